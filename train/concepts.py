"""Gives the image head a path of its own for what the classifier knows: 1,000 more hidden units, one an ImageNet class.

A unit reads its class's logit off the (tuned) pooled feature and, where that is high, adds the vector of the class's
name: gelu(logit - THRESHOLD) * strength * (T(name) - mean T). Nothing is trained; the readout is a ridge regression from the
tuned features to the logits that the untouched net gives, over all training photos. The idea of scoring by a convex mix of
class-name vectors is ConSE's (Norouzi et al. 2013).
"""
import os

import numpy as np
import torch
import torch.nn.functional as F

import image_net
import names
import split
import text_net
from common import arguments, log, read_photos, start
from export import load_checkpoint
from features import CUT, groups
from head import ImageHead
from metrics import accuracy, recall

THRESHOLD = 6.0  # a photo's right class has a logit of about 6.6 in the mean, its wrong ones about 0


@torch.no_grad()
def tuned_features(net, work, group):
    """Pooled features of the net as it is now, from the activations cached at the cut."""
    cut = np.load(os.path.join(work, "features", f"{group}.0.cut.npy"), mmap_mode="r")
    net = net.to(torch.bfloat16).to(memory_format=torch.channels_last)
    first, out = net.index_of(CUT) + 1, []
    for at in range(0, len(cut), 64):
        x = torch.from_numpy(np.array(cut[at:at + 64])).view(torch.bfloat16).permute(0, 3, 1, 2)
        out.append(net.run(x, first).float().mean((2, 3)))
    return torch.cat(out)


def fit_readout(features, logits, ridge=0.01):
    """-> weight 1000,1280 and bias: the logits as a linear function of the features."""
    centre, mean = features.mean(0), logits.mean(0)
    x = (features - centre).double()
    gram = x.T @ x / len(x)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.double)
    weight = torch.linalg.solve(gram, x.T @ (logits - mean).double() / len(x)).T.float()
    return weight, mean - weight @ centre


def with_concepts(head, readout, bank, strength, typical_norm):
    """A head with the units appended. The head standardises its input, so the readout is written for that."""
    weight, bias = readout
    old = head.fc1.out_features
    twin = ImageHead(head.proj.out_features, old + len(weight))
    state = head.state_dict()
    state["fc1.weight"] = torch.cat([state["fc1.weight"], weight * head.scale])
    state["fc1.bias"] = torch.cat([state["fc1.bias"], bias + weight @ head.mean - THRESHOLD])
    directions = (bank - bank.mean(0)) * (strength * typical_norm / 8)
    state["fc2.weight"] = torch.cat([state["fc2.weight"], directions.T], 1)
    twin.load_state_dict(state)
    return twin.eval()


class Measure:
    """Dev recall, and classes whose photos were kept back from training."""

    def __init__(self, photos, prepared, text, data, features):
        index, by_group = names.synonym_index(data), groups(photos)
        row = {g: {n: i for i, n in enumerate(numbers)} for g, numbers in by_group.items()}
        dev = [n for n, p in enumerate(photos) if p.captions and p.split == "dev"]
        place = {n: i for i, n in enumerate(dev)}
        pairs = [(place[n], i) for i, n in enumerate(prepared["caption_photo"].tolist()) if n in place]
        self.owner = torch.tensor([p for p, _ in pairs])
        self.captions = text_net.embed(text, [prepared["caption_tokens"][i] for _, i in pairs])
        self.dev = features["captioned"][[row["captioned"][n] for n in dev]]
        kept = split.kept_classes(photos)
        unseen = [n for n, p in enumerate(photos) if p.source == "tinyimagenet" and p.label in kept]
        self.unseen = features["named"][[row["named"][n] for n in unseen]]
        self.labels = torch.tensor([index[photos[n].label] for n in unseen])
        self.bank = text_net.embed(text, text_net.tokenize(text_net.load_tokenizer(), [t[0][0] for t in names.class_names(data)]))

    @torch.no_grad()
    def __call__(self, what, head):
        found = recall(self.captions, head(self.dev), self.owner)
        vectors = head(self.unseen)
        top = [accuracy(self.bank, vectors, self.labels, k) for k in (1, 5)]
        log("%s: dev R@1/5/10 %.1f %.1f %.1f | kept-back classes top 1/5 of 1000: %.1f %.1f" % (what, *found, *top))


def main():
    parser = arguments(__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--strength", type=float, default=0.3)
    args = start(parser)
    torch.set_grad_enabled(False)
    photos, prepared = read_photos(args.data), torch.load(os.path.join(args.work, "prepared.pt"), weights_only=False)
    net, head, text = load_checkpoint(args.checkpoint)
    features = {g: tuned_features(net, args.work, g) for g in ("captioned", "named")}
    original = {g: torch.from_numpy(np.load(os.path.join(args.work, "features", f"{g}.0.pooled.npy"))).float() for g in features}
    _, classifier, bias = image_net.load()
    use, by_group = split.training(photos), groups(photos)
    rows = {g: [i for i, n in enumerate(by_group[g]) if use[n]] for g in features}
    tuned = torch.cat([features[g][rows[g]] for g in features])
    logits = torch.cat([original[g][rows[g]] for g in features]) @ classifier.T + bias
    readout = fit_readout(tuned, logits)
    off = (tuned @ readout[0].T + readout[1] - logits).pow(2).mean().sqrt()
    log(f"readout: rms error {off:.2f}, logits' own spread {logits.std():.2f}")
    measure = Measure(photos, prepared, text, args.data, features)
    body = (tuned[:4096] - head.mean) / head.scale
    typical = (head.proj(body) + head.fc2(F.gelu(head.fc1(body)))).norm(dim=1).mean()
    measure("without", head)
    for strength in sorted({0.15, 0.3, 0.45, 0.6, args.strength}):
        measure(f"strength {strength}", with_concepts(head, readout, measure.bank, strength, typical))
    stored = torch.load(args.checkpoint, weights_only=False)
    stored["head"] = with_concepts(head, readout, measure.bank, args.strength, typical).state_dict()
    torch.save(stored, args.out)


if __name__ == "__main__":
    main()
