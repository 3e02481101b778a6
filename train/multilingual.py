"""Teaches multilingual-e5-small (layers dropped, vocabulary pruned, word table as it came) the space of the English text tower.

Losses on a batch of sentences in all languages: the target's direction (1 - cosine), telling the targets of the batch apart,
and for captions telling their photo from all others (vectors of the training photos by an image tower of the space).
"""
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import e5
import english
import languages
import text_net
import unigram
from common import arguments, log, start
from features import groups
from grid import put_on_grid
from metrics import recall
from train import Master, averaged

DROPPED = (3, 6)  # of 12 layers: those without which the sentence vectors change least
SHARES = {"own": 0.40, "parallel": 0.28, "photos": 0.22, "english": 0.10}


def load(work, dropout=0.1):
    """-> the pruned net, its tokenizer"""
    vocabulary = torch.load(os.path.join(work, "vocabulary.pt"), weights_only=False)
    file = e5.File()
    net = e5.load(file, vocabulary["keep"], [i for i in range(file.layers) if i not in DROPPED], dropout=dropout)
    return net, unigram.UnigramTokenizer(vocabulary["pieces"], vocabulary["scores"].tolist(), text_net.MAX_TOKENS)


def tokenize(tokenizer, sentences):
    return [np.array(ids, dtype=np.int32) for ids in tokenizer.encode_batch(list(sentences))]


class Teacher:
    def __init__(self, args):
        self.args, self.dice = args, random.Random(args.seed)
        torch.manual_seed(args.seed)
        self.groups, targets, self.photos = languages.items(args.data)
        self.targets = self.target_vectors(targets)
        self.net, self.tokenizer = load(args.work)
        self.make_photos()
        self.fit_projection()
        for module in [self.net.word, self.net.norm] + list(self.net.layers[:args.frozen_layers]):
            module.requires_grad_(False)
        self.net.position.requires_grad_(False)
        self.net = self.net.to(torch.bfloat16)
        self.scale = torch.nn.ParameterList([torch.tensor(math.log(20.0)), torch.tensor(math.log(25.0))])
        if args.begin:
            self.net.load_state_dict(torch.load(args.begin)["text"])
        self.grids = put_on_grid(self.net) if args.quantised else None
        self.master = Master([self.net, self.scale], args.decay)
        self.optimiser = torch.optim.AdamW(self.rates(), betas=(0.9, 0.98), foreach=True)
        self.peaks = [g["lr"] for g in self.optimiser.param_groups]

    def target_vectors(self, targets):
        path = os.path.join(self.args.work, self.args.targets)
        stored = torch.load(path) if os.path.exists(path) else {"sentences": []}
        if stored["sentences"] != targets.sentences:
            net = english.load(self.args.english).to(torch.bfloat16)
            tokens = text_net.tokenize(text_net.load_tokenizer(), targets.sentences)
            stored = {"sentences": targets.sentences, "vectors": text_net.embed(net, tokens).clone()}
            torch.save(stored, path)
        log("targets", len(targets.sentences), {k: len(v) for k, v in self.groups.items()})
        return stored["vectors"]

    def make_photos(self):
        """Vectors of the training photos, and for each the mean of its English captions' targets."""
        numbers = groups(self.photos)["captioned"]
        vectors = torch.load(self.args.photos) if self.args.photos.endswith(".pt") else torch.from_numpy(np.load(self.args.photos))
        row = {n: i for i, n in enumerate(numbers)}
        mean = {}
        for _, _, target, n in self.groups["english"]:
            mean.setdefault(n, []).append(target)
        self.place = {n: i for i, n in enumerate(mean)}
        self.bank = vectors[[row[n] for n in mean]].float()
        self.photo_target = torch.stack([F.normalize(self.targets[rows].mean(0), dim=0) for rows in mean.values()])
        self.dev = languages.dev_captions(self.args.data, self.photos)
        shown = sorted({n for rows in self.dev.values() for n, _ in rows})
        self.dev_place = {n: i for i, n in enumerate(shown)}
        self.dev_bank = vectors[[row[n] for n in shown]].float()

    def fit_projection(self, count=6000, ridge=20.0):
        """The last layer begins as the best linear map from the published sentence vectors to the targets."""
        some = self.dice.sample(self.groups["parallel"], count) + self.dice.sample(self.groups["own"], count // 2)
        net = self.net.to(torch.bfloat16).eval()
        x = text_net.embed(net, tokenize(self.tokenizer, [text for _, text, _, _ in some]), pooled=True)
        y = self.targets[[t for _, _, t, _ in some]]
        centre, mean = x.mean(0), y.mean(0)
        gram = (x - centre).T @ (x - centre)
        gram += ridge * gram.diagonal().mean() / len(x) * torch.eye(len(gram)) * 10
        weight = torch.linalg.solve(gram, (x - centre).T @ (y - mean)).T
        self.net = self.net.float().train()
        self.net.proj.weight.data.copy_(weight)
        self.net.proj.bias.data.copy_(mean - weight @ centre)

    def rates(self):
        args, rate = self.args, {}
        last = len(self.net.layers) - 1
        for name, p in self.net.named_parameters():
            depth = int(name.split(".")[1]) if name.startswith("layers.") else last
            rate[id(p)] = args.rate * args.layer_decay ** (last - depth) * (3.0 if name.startswith("proj") else 1.0)
        rate.update({id(p): 1e-3 for p in self.scale})
        return self.master.groups(rate, 0.01)

    def vary(self, text):
        """As people type: often without capitals or a full stop."""
        if self.dice.random() < 0.35:
            text = text.lower()
        return text.rstrip(" .。") if self.dice.random() < 0.5 else text

    def draw(self):
        out = []
        for name, share in SHARES.items():
            out += self.dice.choices(self.groups[name], k=round(share * self.args.batch))
        return out

    def step(self):
        items = self.draw()
        vectors = self.net(tokenize(self.tokenizer, [self.vary(text) for _, text, _, _ in items]))
        place = torch.tensor([self.place.get(n, -1) for _, _, _, n in items])
        target = torch.stack([self.targets[t] if t >= 0 else self.photo_target[self.place[n]] for _, _, t, n in items])
        exact = torch.tensor([1.0 if t >= 0 else 0.3 for _, _, t, _ in items])
        towards = ((1 - (vectors * target).sum(1)) * exact).mean()
        own = torch.arange(len(items))
        alike = (target @ target.T > 0.9) & ~torch.eye(len(items), dtype=torch.bool)
        apart = F.cross_entropy((vectors @ target.T * self.scale[0].exp().clamp(max=60.0)).masked_fill(alike, -1e4), own, reduction="none")
        apart = (apart * exact).mean()
        rows = (place >= 0).nonzero().flatten()
        unclear = self.photo_target[place[rows]] @ self.photo_target.T > 0.9
        unclear[torch.arange(len(rows)), place[rows]] = False
        logits = (vectors[rows] @ self.bank.T * self.scale[1].exp().clamp(max=60.0)).masked_fill(unclear, -1e4)
        photo = F.cross_entropy(logits, place[rows])
        loss = 3.0 * towards + 0.5 * apart + self.args.photo_weight * photo
        loss.backward()
        return towards.item(), apart.item(), photo.item()

    def train(self):
        args, sums, began = self.args, np.zeros(3), time.time()
        for step in range(args.steps):
            progress = min(1.0, max(step / args.steps, (time.time() - began) / (60 * args.minutes)))
            for group, peak in zip(self.optimiser.param_groups, self.peaks):
                group["lr"] = peak * min(1.0, (step + 1) / args.warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            sums += self.step()
            self.master.take_gradients()
            torch.nn.utils.clip_grad_norm_(self.master.full, 1.0, foreach=True)
            self.optimiser.step()
            self.master.give_weights(step)
            if (step + 1) % args.report == 0:
                log("step %d towards %.3f apart %.3f photo %.3f" % (step + 1, *(sums / args.report)),
                    "%.2f s/step" % ((time.time() - began) / (step + 1)))
                sums[:] = 0
            last = step + 1 == args.steps or progress >= 1.0
            if (step + 1) % args.measure == 0 or last:
                self.measure(few=not last)
                torch.save({"text": averaged(self.net, self.master).state_dict(), "grids": self.grids, "args": vars(args)},
                           os.path.join(args.work, args.name + ".pt"))
            if last:
                break

    @torch.no_grad()
    def measure(self, few=True):
        net = averaged(self.net, self.master).to(torch.bfloat16)
        words = []
        for language, rows in self.dev.items():
            if few and language in ("de", "en"):
                rows = rows[::5]
            vectors = text_net.embed(net, tokenize(self.tokenizer, [c for _, c in rows]))
            found = recall(vectors, self.dev_bank, torch.tensor([self.dev_place[n] for n, _ in rows]))
            words.append("%s %.1f/%.1f (%d)" % (language, found[0], found[2], len(rows)))
        log("dev R@1/R@10:", ", ".join(words))
        kept, words = languages.kept_sentences(), []
        row = {s: i for i, s in enumerate(self.every())}
        for language in languages.LANGUAGES:
            table = languages.read_list("sentences", language)
            vectors = text_net.embed(net, tokenize(self.tokenizer, [table[s][0] for s in kept if s in table]))
            best = (vectors @ self.every_vectors.T).argmax(1)
            words.append("%s %.0f" % (language, 100 * (best == torch.tensor([row[s] for s in kept if s in table])).float().mean()))
        log("own kept sentences, nearest of all English ones:", ", ".join(words))

    def every(self):
        if not hasattr(self, "every_vectors"):
            tokens = text_net.tokenize(text_net.load_tokenizer(), languages.english("sentences"))
            self.every_vectors = text_net.embed(english.load(self.args.english), tokens).clone()
        return languages.english("sentences")


def main():
    parser = arguments(__doc__)
    add = parser.add_argument
    add("--english", required=True, help="the English tower: its checkpoint, or a package that has it")
    add("--photos", required=True, help="vectors of the captioned photos, in the table's order")
    add("--targets", default="targets.pt")
    add("--name", default="multilingual")
    add("--begin")
    add("--quantised", action="store_true", help="compute with weights on their INT8 grid")
    add("--seed", type=int, default=1)
    add("--steps", type=int, default=20000)
    add("--minutes", type=float, default=60.0)
    add("--warm", type=int, default=50)
    add("--batch", type=int, default=160)
    add("--frozen-layers", type=int, default=3)
    add("--rate", type=float, default=1.2e-4)
    add("--layer-decay", type=float, default=0.9)
    add("--photo-weight", type=float, default=0.3)
    add("--decay", type=float, default=0.995)
    add("--report", type=int, default=20)
    add("--measure", type=int, default=200)
    Teacher(start(parser)).train()


if __name__ == "__main__":
    main()
