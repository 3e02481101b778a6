"""Tunes the image tower at the student's size against a text tower that stays as it is.

With the text side fixed, the vectors of all captions and names are constants: every step can hold each photo against
thousands of captions and each caption against all photos (their latest vectors are kept in a bank), which are the hard
negatives. Losses: captions and photos (both directions), names and labelled photos, the classifier's knowledge of the
1,000 classes (`carry`), and the first model's view of captions and photos (`distil`).
"""
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import image_net
import names
import package
import simulate
import split
from common import arguments, log, read_photos, start
from features import groups
from grid import Grid
from head import ImageHead
from metrics import accuracy, precision_at, recall
from pseudo import PseudoFeatures
from student_features import CUT
from tail_net import TailNet
from train import Draws, Drift, Master, averaged


class Views:
    """The cached views of one group, in memory."""

    def __init__(self, work, group, numbers, most):
        folder = os.path.join(work, "student")
        self.row = {n: i for i, n in enumerate(numbers)}
        ready = [v for v in range(most) if os.path.exists(os.path.join(folder, f"{group}.{v}.job_views.done"))]
        self.cut = [torch.from_numpy(np.load(os.path.join(folder, f"{group}.{v}.npy"))) for v in ready]
        self.feature = torch.from_numpy(np.load(os.path.join(folder, f"{group}.feature.npy"))).float()
        self.teacher = torch.from_numpy(np.load(os.path.join(folder, f"{group}.teacher.npy")))
        log(group, "views", ready)

    def take(self, photos, views):
        return torch.stack([self.cut[v][self.row[n]] for n, v in zip(photos, views)]).view(torch.bfloat16)


class Texts:
    """Constant vectors: captions of training photos, names."""

    def __init__(self, args, photos, use):
        stored = torch.load(os.path.join(args.work, "student_text.pt"))
        owner = stored["caption_photo"].tolist()
        self.vectors, self.sense = stored["caption_vectors"].float(), stored["caption_sense"].float()
        self.of_photo = {}
        for i, n in enumerate(owner):
            self.of_photo.setdefault(n, []).append(i)
        self.captions = [i for i, n in enumerate(owner) if use[n]]
        self.owner = torch.tensor(owner)
        self.photo_sense = {n: F.normalize(self.sense[rows].mean(0), dim=0) for n, rows in self.of_photo.items()}
        self.names = stored["names"]
        self.name_row = {name: i for i, name in enumerate(self.names)}
        phrases = stored["phrase_vectors"].float().view(len(self.names), 2, -1)
        self.phrases = phrases
        self.name_vectors = F.normalize(phrases.sum(1), dim=1)
        self.name_sense = stored["phrase_sense"].float().view(len(self.names), 2, -1)[:, 0]
        self.class_names = names.class_names(args.data)
        self.bank = self.name_vectors[[self.name_row[t[0][0]] for t in self.class_names]]


def nets(args):
    """Tail and head, from the first model."""
    plain = image_net.load()[0]
    first, _ = simulate.open_package(args.package, simulate.FLOAT)
    at = plain.index_of(CUT) + 1
    tail = TailNet(plain.flat, at, [(w, first.tensors[c.name + ".bias"]) for w, c in zip(first.weights, plain.flat)][at:])
    t = first.tensors
    def layer(name):
        return t[name + ".weight"].float() * t[name + ".scale"][:, None], t[name + ".bias"]
    head = ImageHead(384, t["image.mlp.fc1.bias"].shape[0], dropout=args.dropout)
    return tail, head, [layer(n) for n in ("image.proj", "image.mlp.fc1", "image.mlp.fc2")]


def pooled(tail, cut):
    """Activations at the cut -> the mean over pixels of the last layer, float32."""
    return tail(cut).float().mean(1)


def begin_head(head, mean, scale, proj, fc1, fc2):
    """From (weight, bias) of a head that reads plain features; ours reads standardised ones."""
    head.mean.copy_(mean)
    head.scale.copy_(scale)
    for layer, (weight, bias) in ((head.proj, proj), (head.fc1, fc1)):
        layer.weight.data.copy_(weight * scale)
        layer.bias.data.copy_(bias + weight @ mean)
    head.fc2.weight.data.copy_(fc2[0])
    head.fc2.bias.data.copy_(fc2[1])


def restored(args, path):
    """Tail and head of a checkpoint, ready to run."""
    stored = torch.load(path)
    tail, head, _ = nets(args)
    tail.load_state_dict(stored["tail"])
    head.load_state_dict(stored["head"])
    tail.ranges, tail.grids = stored.get("ranges"), stored.get("grids")
    return tail.to(torch.bfloat16), head.eval()


class Student(Draws):
    def __init__(self, args):
        self.args = args
        torch.manual_seed(args.seed)
        self.dice, self.generator = random.Random(args.seed), torch.Generator().manual_seed(args.seed)
        self.photos = read_photos(args.data)
        self.use, by_group = split.training(self.photos, whole_classes=not args.every_class), groups(self.photos)
        self.views = {g: Views(args.work, g, numbers, args.views) for g, numbers in by_group.items()}
        self.texts = Texts(args, self.photos, self.use)
        self.captioned = [n for n in by_group["captioned"] if self.use[n]]
        self.named = [n for n in by_group["named"] if self.use[n]]
        self.place = {n: i for i, n in enumerate(self.captioned)}
        self.bank = torch.stack([self.views["captioned"].teacher[self.views["captioned"].row[n]] for n in self.captioned])
        self.photo_sense = torch.stack([self.texts.photo_sense[n] for n in self.captioned])
        self.make_names()
        self.named_bank = torch.stack([self.views["named"].teacher[self.views["named"].row[n]] for n in self.named])
        self.named_first = torch.tensor([self.texts.name_row[self.names_of[n][0][0]] for n in self.named])
        self.named_place = {n: i for i, n in enumerate(self.named)}
        self.tail, self.head, begin = nets(args)
        _, self.classifier, self.classifier_bias = image_net.load()
        self.make_pseudo()
        self.tail = self.tail.to(torch.bfloat16)
        self.standardise(begin)
        self.scales = torch.nn.ParameterList([torch.tensor(math.log(v)) for v in (20.0, 12.0, 20.0)])
        if args.begin:
            stored = torch.load(args.begin)
            wanted = self.head.state_dict()
            stored["head"] = {name: value for name, value in stored["head"].items() if name in wanted}
            for module, key in ((self.tail, "tail"), (self.head, "head"), (self.scales, "scales")):
                module.load_state_dict(stored[key])
        if args.quantised:
            self.quantise(args.quantised)
        self.master = Master([self.tail, self.head, self.scales], args.decay)
        self.optimiser = torch.optim.AdamW(self.rates(), betas=(0.9, 0.98), foreach=True)
        self.peaks = [g["lr"] for g in self.optimiser.param_groups]
        self.drift, self.queue = Drift(5000), []

    def make_names(self):
        index = names.synonym_index(self.args.data)
        self.names_of = {n: names.label_names(self.photos[n], index, self.texts.class_names) for n in self.named}
        self.shelves = {}
        for n in self.named:
            self.shelves.setdefault(self.photos[n].source, {}).setdefault(self.photos[n].label, []).append(n)

    def make_pseudo(self):
        index = names.synonym_index(self.args.data)
        labels = sorted({(self.photos[n].source, self.photos[n].label) for n in self.named})
        number = {label: i for i, label in enumerate(labels)}
        class_of = {number[l]: index.get(l[1]) if l[0] in ("tinyimagenet", "imagenette") else None for l in labels}
        view = self.views["named"]
        features = torch.stack([view.feature[view.row[n]] for n in self.named])
        owner = [number[(self.photos[n].source, self.photos[n].label)] for n in self.named]
        self.pseudo = PseudoFeatures(self.classifier, features, owner, class_of)

    @torch.no_grad()
    def standardise(self, begin):
        """Standardised by what the tail gives before it is tuned."""
        view = self.views["captioned"]
        rows = self.dice.sample(self.captioned, 512)
        seen = pooled(self.tail, view.take(rows, [0] * len(rows)))
        named = self.dice.sample(self.named, 512)
        seen = torch.cat([seen, pooled(self.tail, self.views["named"].take(named, [0] * len(named)))])
        begin_head(self.head, seen.mean(0), seen.std(0).clamp_min(1e-2), *begin)

    def quantise(self, path):
        """From here on the tail computes with the ranges of a package and weights on its grids, as the INT8 kernels do."""
        tensors, _ = package.read(path)
        self.tail.ranges = {c.name: tuple(float(v) for v in tensors[c.name + ".out"]) for c in self.tail.flat}
        self.tail.grids = {c.name: torch.from_numpy(tensors[c.name + ".scale"].copy()) for c in self.tail.flat}
        for conv, weight in zip(self.tail.flat, self.tail.weights):
            if conv.kind == "depthwise":
                weight.data.copy_(Grid.apply(weight.flatten(1), self.tail.grids[conv.name]).view(weight.shape))

    def rates(self):
        args, rate = self.args, {}
        for module, value in ((self.head, args.head_rate), (self.tail, args.tail_rate), (self.scales, 1e-3)):
            rate.update({id(p): value for p in module.parameters()})
        return self.master.groups(rate, args.weight_decay)

    def features(self, photos, group):
        """-> pooled features, original features, teacher's vectors"""
        views = self.views[group]
        chosen = [self.dice.randrange(len(views.cut)) for _ in photos]
        rows = [views.row[n] for n in photos]
        out = torch.cat([pooled(self.tail, views.take(photos[at:at + 64], chosen[at:at + 64])) for at in range(0, len(photos), 64)])
        whole = [i for i, v in enumerate(chosen) if v == 0]
        if whole:
            self.drift.add(views.feature[rows][whole], out.detach()[whole])
        return out, views.feature[rows], views.teacher[rows]

    def caption_losses(self, photos, images):
        """Photo to captions and captions to photos, against many: positives are a photo's own."""
        texts, scale = self.texts, self.scales[0].exp().clamp(max=100.0)
        own = torch.tensor([texts.of_photo[n] for n in photos])
        others = torch.tensor(self.dice.sample(texts.captions, self.args.captions))
        numbers = torch.tensor(photos)
        sense = torch.stack([texts.photo_sense[n] for n in photos])
        unclear = (sense @ texts.sense[others].T > 0.82) | (texts.owner[others][None] == numbers[:, None])
        mine = (images[:, None] * texts.vectors[own]).sum(2) * scale
        rest = (images @ texts.vectors[others].T * scale).masked_fill(unclear, -1e4).logsumexp(1, keepdim=True)
        to_text = (torch.logaddexp(mine, rest) - mine).mean()
        places = torch.tensor([self.place[n] for n in photos])
        pick = own[:, self.dice.sample(range(own.shape[1]), 3)]
        vectors, sense = texts.vectors[pick.flatten()], texts.sense[pick.flatten()]
        bank = self.bank.index_put((places,), images)
        unclear = sense @ self.photo_sense.T > 0.85
        rows = places.repeat_interleave(pick.shape[1])
        unclear[torch.arange(len(rows)), rows] = False
        logits = (vectors @ bank.T * scale).masked_fill(unclear, -1e4)
        to_photo = F.cross_entropy(logits, rows)
        self.bank[places] = images.detach()
        return to_text + to_photo, others

    def name_losses(self, tables, images, named):
        """Named photos against all names, and names against named and captioned photos; what may fit as well is left out."""
        texts, scale = self.texts, self.scales[1].exp().clamp(max=100.0)
        right = torch.zeros(len(tables), len(texts.names))
        for i, table in enumerate(tables):
            for name, weight in table:
                right[i, texts.name_row[name]] = weight
        right /= right.sum(1, keepdim=True)
        first = torch.tensor([texts.name_row[t[0][0]] for t in tables])
        unclear = (texts.name_sense[first] @ texts.name_sense.T > 0.55) & (right == 0)
        kind = self.dice.randrange(2)
        logits = (images @ texts.phrases[:, kind].T * scale).masked_fill(unclear, -1e4)
        share = logits.log_softmax(1)
        to_name = -(share * right).sum(1).mean()
        others = torch.randint(0, len(self.named), (self.args.others,), generator=self.generator)
        photos = torch.randint(0, len(self.captioned), (self.args.others // 2,), generator=self.generator)
        across = texts.phrases[first, 1 - kind] @ torch.cat([images, self.named_bank[others], self.bank[photos]]).T * scale
        sense = texts.name_sense[first]
        of_photos = sense @ torch.cat([texts.name_sense[first], texts.name_sense[self.named_first[others]]]).T
        unclear = torch.cat([of_photos > 0.5, sense @ self.photo_sense[photos].T > 0.3], 1)
        same = torch.cat([right[:, first].T > 0, torch.zeros(len(first), unclear.shape[1] - len(first), dtype=torch.bool)], 1)
        share = across.masked_fill(unclear & ~same, -1e4).log_softmax(1)
        self.named_bank[torch.tensor([self.named_place[n] for n in named])] = images.detach()[:len(named)]
        return to_name - ((share * same).sum(1) / same.sum(1)).mean()

    def step(self):
        args = self.args
        captioned, named = self.next_captioned(args.batch), [self.draw_named() for _ in range(args.named)]
        a, a_feature, a_teacher = self.features(captioned, "captioned")
        b, b_feature, b_teacher = self.features(named, "named")
        classes = [self.dice.randrange(1000) for _ in range(args.pseudo)]
        c_feature = self.pseudo.sample(classes, self.generator)
        images = self.head(torch.cat([a, b]))
        made = self.head(self.drift(c_feature))
        seen = images[:len(captioned)]
        caption_loss, others = self.caption_losses(captioned, seen)
        tables = [self.names_of[n] for n in named] + [self.texts.class_names[c] for c in classes]
        name_loss = self.name_losses(tables, torch.cat([images[len(captioned):], made]), named)
        everything = torch.cat([images, made])
        wanted = (torch.cat([a_feature, b_feature, c_feature]) @ self.classifier.T + self.classifier_bias).softmax(1)
        got = (everything @ self.texts.bank.T * self.scales[2].exp()).log_softmax(1)
        carry = F.kl_div(got, wanted, reduction="batchmean")
        few = self.texts.vectors[others[:2048]]
        wanted = (a_teacher @ few.T * 20.0).softmax(1)
        got = (seen @ few.T * 20.0).log_softmax(1)
        distil = F.kl_div(got, wanted, reduction="batchmean") + 2.0 * (1 - (images * torch.cat([a_teacher, b_teacher])).sum(1)).mean()
        loss = caption_loss + args.named_weight * name_loss + args.carry_weight * carry + args.distil_weight * distil
        loss.backward()
        return caption_loss.item(), name_loss.item(), carry.item(), distil.item()

    def train(self):
        args, sums, began = self.args, np.zeros(4), time.time()
        self.measure(self.tail, self.head)
        for step in range(args.steps):
            clock = (time.time() - began) / (60 * args.minutes)
            progress = min(1.0, max(step / args.steps, clock))
            for group, peak in zip(self.optimiser.param_groups, self.peaks):
                group["lr"] = peak * min(1.0, (step + 1) / args.warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            if step % 40 == 0:
                self.drift.fit()
            sums += self.step()
            self.master.take_gradients()
            torch.nn.utils.clip_grad_norm_(self.master.full, 5.0, foreach=True)
            self.optimiser.step()
            self.master.give_weights(step)
            if (step + 1) % args.report == 0:
                log("step %d caption %.3f name %.3f carry %.3f distil %.3f" % (step + 1, *(sums / args.report)),
                    "scales", " ".join("%.1f" % s.detach().exp() for s in self.scales), "%.2f s/step" % ((time.time() - began) / (step + 1)))
                sums[:] = 0
            last = step + 1 == args.steps or progress >= 1.0
            if (step + 1) % args.measure == 0 or last:
                tail, head = self.averaged(self.tail), self.averaged(self.head)
                self.measure(tail.to(torch.bfloat16), head)
                self.save()
            if last:
                break

    def averaged(self, module):
        return averaged(module, self.master)

    def save(self):
        out = {name: self.averaged(getattr(self, name)).state_dict() for name in ("tail", "head", "scales")}
        out["args"] = vars(self.args)
        if self.tail.ranges:
            out["ranges"], out["grids"] = self.tail.ranges, self.tail.grids
        torch.save(out, os.path.join(self.args.work, self.args.name + ".pt"))

    @torch.no_grad()
    def vectors(self, tail, head, photos, group):
        head.eval()
        views = self.views[group]
        out = torch.cat([head(pooled(tail, views.take(photos[at:at + 100], [0] * 100))) for at in range(0, len(photos), 100)])
        head.train()
        return out

    @torch.no_grad()
    def measure(self, tail, head):
        photos, texts = self.photos, self.texts
        dev = [n for n, p in enumerate(photos) if p.captions and p.split == "dev"]
        rows = [i for n in dev for i in texts.of_photo[n]]
        owner = torch.tensor([r for r, n in enumerate(dev) for _ in texts.of_photo[n]])
        found = recall(texts.vectors[rows], self.vectors(tail, head, dev, "captioned"), owner)
        index, kept = names.synonym_index(self.args.data), split.kept_classes(photos)
        tiny = [n for n, p in enumerate(photos) if p.source == "tinyimagenet" and not self.use[n]]
        images = self.vectors(tail, head, tiny, "named")
        label = torch.tensor([index[photos[n].label] for n in tiny])
        unseen = torch.tensor([photos[n].label in kept for n in tiny])
        top5 = accuracy(texts.bank, images[unseen], label[unseen], 5)
        ten = self.one_a_class(images, label)
        scenes = [n for n, p in enumerate(photos) if p.source == "scenes" and p.split == "dev"]
        words = sorted({photos[n].label for n in scenes})
        truth = torch.tensor([words.index(photos[n].label) for n in scenes])
        precision = precision_at(texts.phrases[[texts.name_row[w] for w in words], 0], self.vectors(tail, head, scenes, "named"), truth)
        log("dev R@1/5/10 %.1f %.1f %.1f | unseen top 5 of 1000 %.1f | 1 photo a class: R@10 %.1f, unseen %.1f | scenes P@10 %.1f"
            % (*found, top5, *ten, np.mean(precision)))

    def one_a_class(self, images, label, rounds=5):
        """Galleries of one photo a class: is the photo among the ten nearest to its name? All classes, unseen ones."""
        classes = sorted(set(label.tolist()))
        kept = split.kept_classes(self.photos)
        index = names.synonym_index(self.args.data)
        new = torch.tensor([c in {index[k] for k in kept} for c in classes])
        vectors = self.texts.phrases[[self.texts.name_row[self.texts.class_names[c][0][0]] for c in classes], 0]
        shelf, dice, hits = {c: (label == c).nonzero().flatten().tolist() for c in classes}, random.Random(1), []
        for _ in range(rounds):
            gallery = images[[dice.choice(shelf[c]) for c in classes]]
            scores = vectors @ gallery.T
            hits.append((scores > scores.diagonal()[:, None]).sum(1) < 10)
        hits = torch.stack(hits).float()
        return 100 * hits.mean().item(), 100 * hits[:, new].mean().item()


def main():
    parser = arguments(__doc__)
    add = parser.add_argument
    add("--package", required=True, help="the first model")
    add("--name", default="student")
    add("--begin")
    add("--quantised", help="a package made from --begin: tune with its integer ranges (quantisation-aware)")
    add("--every-class", action="store_true", help="train on the classes too that are otherwise kept for measuring")
    add("--seed", type=int, default=1)
    add("--steps", type=int, default=4000)
    add("--minutes", type=float, default=40.0)
    add("--warm", type=int, default=30)
    add("--batch", type=int, default=160)
    add("--named", type=int, default=80)
    add("--pseudo", type=int, default=128)
    add("--captions", type=int, default=6000)
    add("--others", type=int, default=3000, help="remembered photos that a name is held against")
    add("--views", type=int, default=8)
    add("--dropout", type=float, default=0.2)
    add("--head-rate", type=float, default=4e-4)
    add("--tail-rate", type=float, default=1e-4)
    add("--weight-decay", type=float, default=0.02)
    add("--named-weight", type=float, default=0.4)
    add("--carry-weight", type=float, default=0.4)
    add("--distil-weight", type=float, default=0.5)
    add("--decay", type=float, default=0.99)
    add("--report", type=int, default=10)
    add("--measure", type=int, default=60)
    Student(start(parser)).train()


if __name__ == "__main__":
    main()
