"""Tunes the English text tower against photo vectors that stay as they are (student_vectors.py), after the image tower is done.

Captions against all training photos, each step in another view; photos against the captions of the step; names against named
photos; and everything else (names, captions without a photo) stays where it was, so that the space is kept.
"""
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import english
import languages
import names
import split
import text_net
from common import arguments, log, read_photos, start
from features import groups
from grid import put_on_grid
from metrics import recall
from train import Master, averaged


class Polisher:
    def __init__(self, args):
        self.args, self.dice = args, random.Random(args.seed)
        torch.manual_seed(args.seed)
        self.photos = read_photos(args.data)
        self.tokenizer = text_net.load_tokenizer()
        self.vectors = torch.load(args.vectors)
        use, by_group = split.training(self.photos, whole_classes=False), groups(self.photos)
        self.row = {n: i for numbers in by_group.values() for i, n in enumerate(numbers)}
        self.captioned = [n for n in by_group["captioned"] if use[n]]
        self.place = {n: i for i, n in enumerate(self.captioned)}
        self.rows = torch.tensor([self.row[n] for n in self.captioned])
        self.net = english.load(args.package)
        self.net.dropout.p = 0.1
        self.net = self.net.to(torch.bfloat16)
        self.make_texts(use, by_group)
        if args.begin:
            self.net.load_state_dict(torch.load(args.begin)["text"])
        self.grids = put_on_grid(self.net) if args.quantised else None
        for module in [self.net.word, self.net.norm] + list(self.net.layers[:args.frozen_layers]):
            module.requires_grad_(False)
        self.net.position.requires_grad_(False)
        self.scale = torch.nn.ParameterList([torch.tensor(math.log(args.scale))])
        self.master = Master([self.net, self.scale], args.decay)
        self.optimiser = torch.optim.AdamW(self.rates(), betas=(0.9, 0.98), foreach=True)
        self.peaks = [g["lr"] for g in self.optimiser.param_groups]

    def rates(self):
        return [{"params": [f for l, f in zip(self.master.live, self.master.full) if (l.dim() > 1) == big],
                 "lr": self.args.rate, "weight_decay": 0.01 if big else 0.0} for big in (True, False)]

    def make_texts(self, use, by_group):
        """Tokens of captions and of what shall stay, with where it was."""
        stored = torch.load(os.path.join(self.args.work, "student_text.pt"))
        self.captions = [(n, c) for n in self.captioned for c in self.photos[n].captions]
        self.tokens = text_net.tokenize(self.tokenizer, [c for _, c in self.captions])
        self.of_photo = {}
        for i, (n, _) in enumerate(self.captions):
            self.of_photo.setdefault(n, []).append(i)
        sense, by_photo = stored["caption_sense"].float(), {}
        for i, n in enumerate(stored["caption_photo"].tolist()):
            by_photo.setdefault(n, []).append(i)
        self.sense = sense
        self.sense_row = [i for n in self.captioned for i in by_photo[n]]
        self.photo_sense = torch.stack([F.normalize(sense[by_photo[n]].mean(0), dim=0) for n in self.captioned])
        phrases = [names.fix_article(t.format(n)) for n in stored["names"] for t in ("{}", "a photo of a {}")]
        _, rows = languages.tsv(self.args.data, "captions_text.tsv.gz")
        extra = self.dice.sample([r[1] for r in rows if r[0] == "en"], 12000) + languages.english("sentences") + languages.english("words")
        self.stay = text_net.tokenize(self.tokenizer, phrases + extra)
        self.was = torch.cat([stored["phrase_vectors"].float(), text_net.embed(self.net.eval(), self.stay[len(phrases):])])
        self.net.train()
        self.phrase_count = len(phrases)

    def step(self):
        args = self.args
        if not hasattr(self, "queue") or len(self.queue) < args.batch:
            self.queue = self.dice.sample(self.captioned, len(self.captioned))
        photos, self.queue = self.queue[:args.batch], self.queue[args.batch:]
        chosen = [self.dice.choice(self.of_photo[n]) for n in photos]
        stay = [self.dice.randrange(self.phrase_count) for _ in range(args.stay // 2)]
        stay += [self.dice.randrange(self.phrase_count, len(self.stay)) for _ in range(args.stay // 2)]
        texts = self.net([self.tokens[i] for i in chosen] + [self.stay[i] for i in stay])
        captions, kept = texts[:len(chosen)], texts[len(chosen):]
        bank = self.vectors["captioned"][self.dice.randrange(len(self.vectors["captioned"]))][self.rows]
        places = torch.tensor([self.place[n] for n in photos])
        sense = self.sense[[self.sense_row[i] for i in chosen]]
        unclear = sense @ self.photo_sense.T > 0.85
        unclear[torch.arange(len(places)), places] = False
        scale = self.scale[0].exp().clamp(max=60.0)
        logits = (captions @ bank.T * scale).masked_fill(unclear, -1e4)
        back = (bank[places] @ captions.T * scale).masked_fill(unclear[:, places].T, -1e4)
        loss = F.cross_entropy(logits, places) + 0.5 * F.cross_entropy(back, torch.arange(len(places)))
        stayed = (1 - (kept * self.was[stay]).sum(1)).mean()
        (loss + args.stay_weight * stayed).backward()
        return loss.item(), stayed.item()

    def train(self):
        args, sums, began = self.args, np.zeros(2), time.time()
        self.measure(self.net)
        for step in range(args.steps):
            progress = min(1.0, max(step / args.steps, (time.time() - began) / (60 * args.minutes)))
            for group, peak in zip(self.optimiser.param_groups, self.peaks):
                group["lr"] = peak * min(1.0, (step + 1) / 15) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            sums += self.step()
            self.master.take_gradients()
            torch.nn.utils.clip_grad_norm_(self.master.full, 1.0, foreach=True)
            self.optimiser.step()
            self.master.give_weights(step)
            if (step + 1) % 20 == 0:
                log("step %d caption %.3f stayed %.4f scale %.1f %.2f s/step" % (step + 1, *(sums / 20), self.scale[0].detach().exp(),
                                                                                 (time.time() - began) / (step + 1)))
                sums[:] = 0
            last = step + 1 == args.steps or progress >= 1.0
            if (step + 1) % args.measure == 0 or last:
                net = averaged(self.net, self.master)
                torch.save({"text": net.state_dict(), "grids": self.grids, "args": vars(args)}, os.path.join(args.work, args.name + ".pt"))
                self.measure(net.to(torch.bfloat16))
            if last:
                break

    @torch.no_grad()
    def measure(self, net):
        dev = [n for n, p in enumerate(self.photos) if p.captions and p.split == "dev"]
        texts = text_net.embed(net.eval(), text_net.tokenize(self.tokenizer, [c for n in dev for c in self.photos[n].captions]))
        net.train()
        owner = torch.tensor([r for r, n in enumerate(dev) for _ in self.photos[n].captions])
        images = self.vectors["captioned"][0][[self.row[n] for n in dev]]
        log("dev R@1/5/10 %.1f %.1f %.1f" % tuple(recall(texts, images, owner)))


def main():
    parser = arguments(__doc__)
    add = parser.add_argument
    add("--package", required=True, help="the first model")
    add("--vectors", required=True)
    add("--name", default="polish")
    add("--begin", help="an earlier checkpoint")
    add("--quantised", action="store_true", help="compute with weights on their INT8 grid")
    add("--seed", type=int, default=1)
    add("--steps", type=int, default=3000)
    add("--minutes", type=float, default=10.0)
    add("--batch", type=int, default=192)
    add("--stay", type=int, default=96)
    add("--stay-weight", type=float, default=4.0)
    add("--scale", type=float, default=25.0)
    add("--rate", type=float, default=3e-5)
    add("--frozen-layers", type=int, default=2)
    add("--decay", type=float, default=0.98)
    add("--measure", type=int, default=60)
    Polisher(start(parser)).train()


if __name__ == "__main__":
    main()
