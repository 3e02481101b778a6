"""Trains the image head, the text tower and (with --tail) the last blocks of the image net, against each other.

A step sees captions with their photos, names with labelled photos and with pseudo features of ImageNet classes, more
photos as negatives, and captions without a photo on which the text tower must keep MiniLM's sense of what is alike.
"""
import copy
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import image_net
import names
import split
import text_net
from common import arguments, log, normalise, read_photos, start
from features import CUT, groups
from head import ImageHead
from metrics import accuracy, recall
from pseudo import PseudoFeatures


class Views:
    """The cached features of one group of photos, whichever views are there."""

    def __init__(self, work, group, numbers, most):
        folder = os.path.join(work, "features")
        self.row = {n: i for i, n in enumerate(numbers)}
        ready = [v for v in range(most) if os.path.exists(os.path.join(folder, f"{group}.{v}.done"))]
        def opened(kind):
            return [np.load(os.path.join(folder, f"{group}.{v}.{kind}.npy"), mmap_mode="r") for v in ready]
        self.pooled = [torch.from_numpy(np.array(a)).float() for a in opened("pooled")]
        self.cut = opened("cut")
        log(group, "views", ready)

    def pick(self, photos, dice):
        return [dice.randrange(len(self.pooled)) for _ in photos]

    def take_pooled(self, photos, views):
        return torch.stack([self.pooled[v][self.row[n]] for n, v in zip(photos, views)])

    def take_cut(self, photos, views):
        rows = np.stack([self.cut[v][self.row[n]] for n, v in zip(photos, views)])
        return torch.from_numpy(rows).view(torch.bfloat16).permute(0, 3, 1, 2)


class Master:
    """float32 copies of a bfloat16 net's weights for the optimiser, with a running average."""

    def __init__(self, modules, decay):
        self.live = [p for m in modules for p in m.parameters() if p.requires_grad]
        self.full = [p.detach().float().clone() for p in self.live]
        self.mean = [p.clone() for p in self.full]
        self.decay = decay

    def take_gradients(self):
        for p, full in zip(self.live, self.full):
            full.grad = None if p.grad is None else p.grad.float()
            p.grad = None

    def groups(self, rate, weight_decay):
        """Parameter groups for the optimiser. rate: id of a live parameter -> its rate; only matrices decay."""
        table = {}
        for live, full in zip(self.live, self.full):
            table.setdefault((rate[id(live)], weight_decay if live.dim() > 1 else 0.0), []).append(full)
        return [{"params": p, "lr": lr, "weight_decay": d} for (lr, d), p in table.items()]

    @torch.no_grad()
    def give_weights(self, step):
        torch._foreach_lerp_(self.mean, self.full, 1 - min(self.decay, (1 + step) / (10 + step)))
        for p, full in zip(self.live, self.full):
            p.copy_(full)


def averaged(module, master):
    """A float32 copy of the module with the averaged weights."""
    twin = copy.deepcopy(module).float().eval()
    known = {id(p): m for p, m in zip(master.live, master.mean)}
    for mine, theirs in zip(twin.parameters(), module.parameters()):
        if id(theirs) in known:
            mine.data.copy_(known[id(theirs)])
    return twin


class Draws:
    """Draws photos with `dice`: captioned ones in turn (`captioned`, `queue`), labelled ones evenly by class (`shelves`)."""

    def next_captioned(self, count):
        while len(self.queue) < count:
            self.queue += self.dice.sample(self.captioned, len(self.captioned))
        out, self.queue = self.queue[:count], self.queue[count:]
        return out

    def draw_named(self):
        source = self.dice.choices(list(self.shelves), [len(s) ** 0.5 for s in self.shelves.values()])[0]
        return self.dice.choice(self.shelves[source][self.dice.choice(list(self.shelves[source]))])


class Batches(Draws):
    """Draws what one step sees."""

    def __init__(self, args, photos, prepared):
        self.args, self.photos = args, photos
        self.dice = random.Random(args.seed)
        self.generator = torch.Generator().manual_seed(args.seed)
        self.tokenizer = text_net.load_tokenizer()
        use = split.training(photos)
        by_group = groups(photos)
        self.views = {g: Views(args.work, g, numbers, args.views) for g, numbers in by_group.items()}
        self.captioned = [n for n in by_group["captioned"] if use[n]]
        self.named = [n for n in by_group["named"] if use[n]]
        self.captions = prepared["caption_tokens"]
        self.caption_vectors = prepared["caption_vectors"].float()
        self.of_photo = {}
        for index, n in enumerate(prepared["caption_photo"].tolist()):
            self.of_photo.setdefault(n, []).append(index)
        self.photo_vectors = {n: normalise(self.caption_vectors[self.of_photo[n]].mean(0)) for n in self.captioned}
        self.extra, self.extra_vectors = prepared["extra_tokens"], prepared["extra_vectors"].float()
        self.name_vectors = dict(zip(prepared["names"], prepared["name_vectors"].float()))
        self.class_names = names.class_names(args.data)
        index = names.synonym_index(args.data)
        self.names_of = {n: names.label_names(photos[n], index, self.class_names) for n in self.named}
        self.make_pseudo(index)
        self.queue = []
        # labelled photos by source and class, so that no large source drowns the others
        self.shelves = {}
        for n in self.named:
            self.shelves.setdefault(photos[n].source, {}).setdefault(photos[n].label, []).append(n)

    def make_pseudo(self, index):
        _, classifier, bias = image_net.load()
        labels = sorted({(self.photos[n].source, self.photos[n].label) for n in self.named})
        number = {label: i for i, label in enumerate(labels)}
        class_of = {number[l]: index.get(l[1]) if l[0] in ("tinyimagenet", "imagenette") else None for l in labels}
        view = self.views["named"]
        features = torch.stack([view.pooled[0][view.row[n]] for n in self.named])
        owner = [number[(self.photos[n].source, self.photos[n].label)] for n in self.named]
        self.classifier, self.classifier_bias = classifier, bias
        self.pseudo = PseudoFeatures(classifier, features, owner, class_of)
        view = self.views["captioned"]
        captioned = torch.stack([view.pooled[0][view.row[n]] for n in self.captioned])
        sure, guess = (captioned @ classifier.T + bias).softmax(1).max(1)
        self.guessed = [(n, c) for n, s, c in zip(self.captioned, sure.tolist(), guess.tolist()) if s > 0.6]
        log("captioned photos with a sure class:", len(self.guessed))
        self.all_features = torch.cat([features, captioned])

    def draw(self):
        args, dice = self.args, self.dice
        b = {"captioned": self.next_captioned(args.batch)}
        b["captions"] = [dice.choice(self.of_photo[n]) for n in b["captioned"]]
        chosen = set(b["captioned"])
        b["more"] = [n for n in dice.sample(self.captioned, args.more + 2 * args.batch) if n not in chosen][:args.more]
        b["named"] = [self.draw_named() for _ in range(args.named)]
        guessed = dice.sample(self.guessed, args.guessed)
        b["guessed"] = [n for n, _ in guessed]
        b["classes"] = [dice.randrange(1000) for _ in range(args.pseudo)]
        tables = [self.names_of[n] for n in b["named"]] + [self.class_names[c] for _, c in guessed]
        tables += [self.class_names[c] for c in b["classes"]]
        phrases = [names.phrase(t, dice) for t in tables]
        b["names"] = [name for name, _ in phrases]
        b["name_sets"] = [{name for name, _ in t} for t in tables]
        b["name_tokens"] = text_net.tokenize(self.tokenizer, [text for _, text in phrases])
        b["extra"] = dice.sample(range(len(self.extra)), args.extra)
        return b

    def tokens(self, b):
        return [self.captions[i] for i in b["captions"]] + b["name_tokens"] + [self.extra[i] for i in b["extra"]]

    def teacher_vectors(self, b):
        return torch.cat([self.caption_vectors[b["captions"]], torch.stack([self.name_vectors[n] for n in b["names"]]),
                          self.extra_vectors[b["extra"]]])

    def relations(self, b):
        """texts x photos: 1 belongs together, -1 may belong together (left out), 0 does not.

        Photos in order: captioned, more, named items."""
        photo_vectors = torch.stack([self.photo_vectors[n] for n in b["captioned"] + b["more"]])
        caption_vectors = self.caption_vectors[b["captions"]]
        name_vectors = torch.stack([self.name_vectors[n] for n in b["names"]])
        own = torch.zeros(len(b["captions"]), len(photo_vectors))
        own[caption_vectors @ photo_vectors.T > 0.85] = -1
        own[:, :len(b["captions"])].fill_diagonal_(1)
        across = -(caption_vectors @ name_vectors.T > 0.35).float()
        back = -(name_vectors @ photo_vectors.T > 0.30).float()
        named = -(name_vectors @ name_vectors.T > 0.50).float()
        for i, name in enumerate(b["names"]):
            for j, accepted in enumerate(b["name_sets"]):
                if name in accepted:
                    named[i, j] = 1
        return torch.cat([torch.cat([own, across], 1), torch.cat([back, named], 1)])


def contrast(logits, relations):
    """Cross entropy with several right answers; unclear pairs are left out."""
    logits = logits.masked_fill(relations < 0, -1e4)
    right = (relations > 0).float()
    log_share = logits - logits.logsumexp(1, keepdim=True)
    return -(log_share * right).sum(1) / right.sum(1).clamp_min(1)


def keep_sense(vectors, teacher, scale):
    """Who is alike to whom, as the untouched MiniLM sees it."""
    off = torch.eye(len(vectors), dtype=torch.bool)
    wanted = (teacher @ teacher.T / 0.07).masked_fill(off, -1e4).softmax(1)
    got = (vectors @ vectors.T * scale).masked_fill(off, -1e4).log_softmax(1)
    return F.kl_div(got, wanted, reduction="batchmean")


class Drift:
    """How tuned features follow from the original ones: a linear map, fitted on the last few thousand photos."""

    def __init__(self, most=6000):
        self.pairs, self.most, self.map = [], most, None

    def add(self, original, tuned):
        self.pairs.append((original, tuned))
        while sum(len(a) for a, _ in self.pairs) > self.most:
            self.pairs.pop(0)

    def fit(self, ridge=0.05):
        if sum(len(a) for a, _ in self.pairs) < 2000:
            return
        x, y = (torch.cat(part) for part in zip(*self.pairs))
        centre = x.mean(0)
        gram = (x - centre).T @ (x - centre) / len(x)
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
        change = torch.linalg.solve(gram, (x - centre).T @ (y - x - (y - x).mean(0)) / len(x))
        self.map = (centre, change, (y - x).mean(0))

    def __call__(self, features):
        if self.map is None:
            return features
        centre, change, shift = self.map
        return (features + (features - centre) @ change + shift).clamp_min(0)


class Trainer:
    def __init__(self, args):
        self.args = args
        torch.manual_seed(args.seed)
        self.photos = read_photos(args.data)
        self.prepared = torch.load(os.path.join(args.work, "prepared.pt"), weights_only=False)
        self.batches = Batches(args, self.photos, self.prepared)
        self.text = text_net.load(args.dim, args.text_dropout).to(torch.bfloat16)
        self.freeze_text(args.frozen_layers)
        self.head = ImageHead(args.dim, args.hidden, dropout=args.dropout)
        self.head.fit_scale(self.batches.all_features)
        self.net = image_net.load()[0]
        self.after_cut = self.net.index_of(CUT) + 1
        self.tail_from = self.net.index_of(args.tail + ".expand") if args.tail else None
        self.net = self.net.to(torch.bfloat16).to(memory_format=torch.channels_last)
        if args.tail:
            for index in range(self.tail_from, len(self.net.flat)):
                tuned = self.net.flat[index].kind == "pointwise"  # depthwise kernels stay: see FrozenDepthwise
                self.net.weights[index].requires_grad_(tuned)
                self.net.biases[index].requires_grad_(tuned)
        self.scales = torch.nn.ParameterList([torch.tensor(math.log(20.0)), torch.tensor(math.log(10.0)), torch.tensor(math.log(20.0))])
        self.drift = Drift()
        if args.begin:
            self.restore(args.begin)
        self.master = Master([self.text, self.head, self.scales, self.net], args.decay)
        self.optimiser = torch.optim.AdamW(self.rates(), betas=(0.9, 0.98), foreach=True)
        self.peaks = [g["lr"] for g in self.optimiser.param_groups]

    def freeze_text(self, layers):
        """Words and the lowest layers stay MiniLM's own: words never seen with a photo keep their place."""
        if layers:
            frozen = [self.text.word, self.text.norm] + list(self.text.layers[:layers])
            for p in [self.text.position] + [p for m in frozen for p in m.parameters()]:
                p.requires_grad_(False)

    def restore(self, path):
        stored = torch.load(path, weights_only=False)
        self.text.load_state_dict(stored["text"])
        self.head.load_state_dict(stored["head"])
        for mine, theirs in zip(self.net.parameters(), stored["net"].values()):
            mine.data.copy_(theirs)
        for mine, theirs in zip(self.scales, stored["scales"].values()):
            mine.data.copy_(theirs)

    def rates(self):
        """Text layers nearer to the words learn more slowly; the head quickly; the tail between."""
        args, rate = self.args, {}
        for name, p in self.text.named_parameters():
            depth = int(name.split(".")[1]) if name.startswith("layers.") else -1
            depth = 6 if name.startswith("proj") else depth
            rate[id(p)] = args.text_rate * (args.layer_decay ** (5 - depth) if depth < 6 else 2.0)
        rate.update({id(self.text.position): args.text_rate * args.layer_decay ** 6})
        for module, value in ((self.head, args.head_rate), (self.net, args.tail_rate), (self.scales, 1e-3)):
            rate.update({id(p): value for p in module.parameters()})
        return self.master.groups(rate, args.weight_decay)

    def image_features(self, photos, group):
        """-> (features as the net is now, features as it came)"""
        views = self.batches.views[group]
        chosen = views.pick(photos, self.batches.dice)
        original = views.take_pooled(photos, chosen)
        if not self.args.tail:
            return original, original
        parts = []
        for at in range(0, len(photos), 32):
            x = views.take_cut(photos[at:at + 32], chosen[at:at + 32])
            with torch.no_grad():
                x = self.net.run(x, self.after_cut, self.tail_from)
            parts.append(self.net.run(x, self.tail_from).float().mean((2, 3)))
        features = torch.cat(parts)
        self.drift.add(original, features.detach())
        return features, original

    @torch.no_grad()
    def refresh(self):
        """Vectors of the 1,000 class names, and how the tuned features follow from the original ones."""
        words = [table[0][0] for table in self.batches.class_names]
        self.text.eval()
        self.bank = text_net.embed(self.text, text_net.tokenize(self.batches.tokenizer, words)).clone()
        self.text.train()
        if self.args.tail:
            self.drift.fit()

    def carry(self, images, original):
        """Each photo's likeness to the 1,000 class names should be what the classifier says of it."""
        wanted = (original @ self.batches.classifier.T + self.batches.classifier_bias).softmax(1)
        got = (images @ self.bank.T * self.scales[2].exp()).log_softmax(1)
        return F.kl_div(got, wanted, reduction="batchmean")

    def step(self):
        b, args = self.batches.draw(), self.args
        texts = self.text(self.batches.tokens(b))
        captioned, captioned_original = self.image_features(b["captioned"] + b["more"] + b["guessed"], "captioned")
        named, named_original = self.image_features(b["named"], "named")
        pseudo = self.batches.pseudo.sample(b["classes"], self.batches.generator)
        cut = len(b["captioned"]) + len(b["more"])
        images = self.head(torch.cat([captioned[:cut], named, captioned[cut:], self.drift(pseudo)]))
        original = torch.cat([captioned_original[:cut], named_original, captioned_original[cut:], pseudo])
        relations = self.batches.relations(b)
        paired = len(b["captions"]) + len(b["names"])
        logits = texts[:paired] @ images.T * self.scales[0].exp().clamp(max=100.0)
        to_photo = contrast(logits, relations)
        to_text = contrast(logits.T, relations.T)
        count = len(b["captions"])
        captioned = to_photo[:count].mean() + to_text[:count].mean()
        named = to_photo[count:].mean() + to_text[cut:].mean()
        sense = keep_sense(texts, self.batches.teacher_vectors(b), self.scales[1].exp())
        carried = self.carry(images, original)
        loss = captioned + args.named_weight * named + args.sense_weight * sense + args.carry_weight * carried
        loss.backward()
        return captioned.item(), named.item(), sense.item(), carried.item()

    def progress(self, step, began):
        """0 to 1, by steps or by the clock, whichever is further."""
        clock = (time.time() - began) / (60 * self.args.minutes) if self.args.minutes else 0.0
        return min(1.0, max(step / self.args.steps, clock))

    def set_rate(self, step, progress):
        args = self.args
        warm = min(1.0, (step + 1) / max(1, args.warm))
        wave = 0.5 * (1 + math.cos(math.pi * progress))
        for group, peak in zip(self.optimiser.param_groups, self.peaks):
            group["lr"] = peak * warm * (0.02 + 0.98 * wave)

    def train(self):
        args, sums, began = self.args, np.zeros(4), time.time()
        for step in range(args.steps):
            progress = self.progress(step, began)
            self.set_rate(step, progress)
            if step % args.refresh == 0:
                self.refresh()
            sums += self.step()
            self.master.take_gradients()
            torch.nn.utils.clip_grad_norm_(self.master.full, 5.0, foreach=True)
            self.optimiser.step()
            self.master.give_weights(step)
            if (step + 1) % args.report == 0:
                a, b, c, d = sums / args.report
                log(f"step {step + 1} captioned {a:.3f} named {b:.3f} sense {c:.3f} carried {d:.3f} scale {self.scales[0].exp():.1f} "
                    f"{(time.time() - began) / (step + 1):.2f} s/step")
                sums[:] = 0
            last = step + 1 == args.steps or progress >= 1.0
            if (step + 1) % args.measure == 0 or last:
                self.measure()
                self.save()
            if last:
                break
        log("done")

    @torch.no_grad()
    def measure(self):
        text, head = averaged(self.text, self.master).to(torch.bfloat16), averaged(self.head, self.master)
        net = averaged(self.net, self.master).to(torch.bfloat16).to(memory_format=torch.channels_last)
        dev = [n for n, p in enumerate(self.photos) if p.captions and p.split == "dev"]
        photos = head(self.plain_features(net, dev, "captioned"))
        owner, tokens = [], []
        for row, n in enumerate(dev):
            for index in self.batches.of_photo[n]:
                owner.append(row)
                tokens.append(self.prepared["caption_tokens"][index])
        found = recall(text_net.embed(text, tokens), photos, torch.tensor(owner))
        kept = split.kept_classes(self.photos)
        index = names.synonym_index(self.args.data)
        unseen = [n for n, p in enumerate(self.photos) if p.source == "tinyimagenet" and p.label in kept]
        words = text_net.tokenize(self.batches.tokenizer, [t[0][0] for t in self.batches.class_names])
        words = text_net.embed(text, words)
        labels = torch.tensor([index[self.photos[n].label] for n in unseen])
        hits = accuracy(words, head(self.plain_features(net, unseen, "named")), labels, 5)
        scenes = self.scene_accuracy(text, head, net)
        log("dev R@1/5/10 %.1f %.1f %.1f | unseen classes top 5 of 1000: %.1f | scenes %.1f" % (*found, hits, scenes))

    def scene_accuracy(self, text, head, net):
        dev = [n for n, p in enumerate(self.photos) if p.source == "scenes" and p.split == "dev"]
        labels = sorted({self.photos[n].label for n in dev})
        words = text_net.embed(text, text_net.tokenize(self.batches.tokenizer, labels))
        truth = torch.tensor([labels.index(self.photos[n].label) for n in dev])
        return accuracy(words, head(self.plain_features(net, dev, "named")), truth)

    def plain_features(self, net, photos, group):
        views = self.batches.views[group]
        rows = [views.row[n] for n in photos]
        if not self.args.tail:
            return views.pooled[0][rows]
        out = []
        for at in range(0, len(rows), 32):
            x = torch.from_numpy(np.array(views.cut[0][rows[at:at + 32]])).view(torch.bfloat16).permute(0, 3, 1, 2)
            out.append(net.run(x, self.after_cut).float().mean((2, 3)))
        return torch.cat(out)

    def save(self):
        out = {name: averaged(getattr(self, name), self.master).state_dict() for name in ("text", "head", "scales")}
        # frozen layers in full precision; only tuned ones come from the bfloat16 net's masters
        exact, tuned = image_net.load()[0].state_dict(), averaged(self.net, self.master).state_dict()
        if self.args.tail:
            for index in range(self.tail_from, len(self.net.flat)):
                for kind in ("weights", "biases"):
                    exact[f"{kind}.{index}"] = tuned[f"{kind}.{index}"]
        out["net"], out["args"] = exact, vars(self.args)
        torch.save(out, os.path.join(self.args.work, self.args.name + ".pt"))


def main():
    parser = arguments(__doc__)
    add = parser.add_argument
    add("--name", default="run")
    add("--begin", help="checkpoint to go on from")
    add("--seed", type=int, default=1)
    add("--steps", type=int, default=1200)
    add("--minutes", type=float, default=0.0, help="stop by the clock, the rates following it (0: by steps alone)")
    add("--warm", type=int, default=60)
    add("--batch", type=int, default=256)
    add("--more", type=int, default=512, help="photos without a sentence, as negatives")
    add("--named", type=int, default=48)
    add("--guessed", type=int, default=16)
    add("--pseudo", type=int, default=32)
    add("--extra", type=int, default=32, help="captions without a photo")
    add("--views", type=int, default=8)
    add("--dim", type=int, default=384)
    add("--hidden", type=int, default=1024)
    add("--dropout", type=float, default=0.2)
    add("--text-dropout", type=float, default=0.1)
    add("--text-rate", type=float, default=6e-5)
    add("--frozen-layers", type=int, default=2, help="lowest text layers left alone, the word table with them")
    add("--layer-decay", type=float, default=0.85)
    add("--head-rate", type=float, default=1e-3)
    add("--tail", help="first block to tune, e.g. image.19")
    add("--tail-rate", type=float, default=1e-4)
    add("--weight-decay", type=float, default=0.02)
    add("--named-weight", type=float, default=0.3)
    add("--sense-weight", type=float, default=0.3)
    add("--carry-weight", type=float, default=0.3)
    add("--refresh", type=int, default=40, help="steps between two looks at the class names")
    add("--decay", type=float, default=0.995, help="of the running average of the weights")
    add("--report", type=int, default=10)
    add("--measure", type=int, default=240)
    Trainer(start(parser)).train()


if __name__ == "__main__":
    main()
