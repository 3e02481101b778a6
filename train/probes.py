"""Pairs of sentences that differ in one thing, made from dev captions: does the photo prefer its own?

Words are swapped whole; a caption that holds both words of a pair, or another of the kind's words, is left out.
"""
import re

COLOURS = ["red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink"]
COUNTS = {"one": "two", "a": "two", "two": "three", "three": "two"}
ACTIONS = ["running", "sitting", "jumping", "swimming", "standing", "climbing", "walking", "sleeping", "riding"]
SUBJECTS = [("man", "woman"), ("boy", "girl"), ("dog", "child"), ("dog", "cat"), ("man", "dog"), ("men", "women"), ("dogs", "children")]
PLACES = ["snow", "water", "grass", "beach", "street", "sand", "field", "pool", "rock", "mountain"]


def words_of(caption):
    return re.findall(r"[a-z]+", caption.lower())


def swapped(caption, old, new):
    return re.sub(rf"\b{old}\b", new, caption.lower())


def pairs(captions):
    """[(kind, caption number, the caption with one word exchanged)]"""
    out = []
    for number, caption in enumerate(captions):
        words = words_of(caption)
        for kind, group in (("colour", COLOURS), ("action", ACTIONS), ("place", PLACES)):
            found = [w for w in words if w in group]
            if len(found) == 1:
                other = group[(group.index(found[0]) + 1 + number % (len(group) - 1)) % len(group)]
                out.append((kind, number, swapped(caption, found[0], other)))
        for one, other in SUBJECTS:
            for old, new in ((one, other), (other, one)):
                if old in words and new not in words and words.count(old) == 1:
                    out.append(("subject", number, swapped(caption, old, new)))
        for old, new in (("two dogs", "one dog"), ("three dogs", "one dog"), ("two men", "one man"), ("two children", "one child"),
                         ("two people", "one person"), ("two boys", "one boy"), ("two girls", "one girl"), ("two women", "one woman")):
            if old in caption.lower():
                out.append(("count", number, swapped(caption, old, new)))
        match = re.match(r"(a|one) (dog|man|boy|girl|woman|child)\b", caption.lower())
        if match and not re.search(r"\b(two|three|another|dogs|men|boys|girls|women|children|people)\b", caption.lower()):
            plural = {"dog": "dogs", "man": "men", "boy": "boys", "girl": "girls", "woman": "women", "child": "children"}[match[2]]
            out.append(("count", number, "two " + plural + caption.lower()[match.end():]))
    return out
