"""What people call things: names of the 1,000 ImageNet classes, everyday hypernyms, labels of the other sources.

Each class gives a list of (name, weight); the text tower sees the names inside templates.
"""
import os
import random

# everyday words and the classes (by number, both ends included) they cover
HYPERNYMS = {
    "dog": [(151, 268)], "puppy": [(151, 268)], "terrier": [(179, 204)], "spaniel": [(215, 220)], "poodle": [(265, 267)],
    "hound": [(160, 177)], "sheepdog": [(228, 232)], "husky": [(248, 250)], "retriever": [(205, 209)],
    "wolf": [(269, 271)], "fox": [(277, 280)], "cat": [(281, 285)], "kitten": [(281, 285)],
    "big cat": [(286, 293)], "bear": [(294, 297)], "fish": [(0, 6), (389, 397)], "shark": [(2, 4)],
    "bird": [(7, 24), (80, 100), (127, 146)], "chicken": [(7, 8)], "owl": [(24, 24)], "parrot": [(87, 90)],
    "duck": [(97, 98)], "penguin": [(145, 145)], "heron": [(131, 133)], "stork": [(127, 128)], "eagle": [(22, 22)],
    "frog": [(30, 32)], "turtle": [(33, 37)], "lizard": [(38, 48)], "crocodile": [(49, 50)], "snake": [(52, 68)],
    "reptile": [(33, 68)], "spider": [(72, 77)], "insect": [(300, 326)], "beetle": [(300, 307)],
    "butterfly": [(321, 326)], "crab": [(118, 121)], "lobster": [(122, 123)], "seafood": [(118, 124)],
    "whale": [(147, 148)], "seal": [(150, 150)], "rabbit": [(330, 332)], "squirrel": [(335, 335)], "horse": [(339, 339)],
    "pig": [(341, 343)], "cow": [(345, 345)], "buffalo": [(346, 347)], "sheep": [(348, 349)], "goat": [(350, 350)],
    "deer": [(351, 353)], "antelope": [(351, 353)], "camel": [(354, 354)], "monkey": [(369, 382)], "ape": [(365, 369)],
    "elephant": [(385, 386), (101, 101)], "panda": [(387, 388)], "jellyfish": [(107, 107)], "coral": [(109, 109), (973, 973)],
    "guitar": [(402, 402), (546, 546)], "musical instrument": [(401, 402), (420, 420), (432, 432), (486, 486), (513, 513),
        (541, 541), (546, 546), (558, 558), (566, 566), (579, 579), (593, 594), (683, 683), (776, 776), (875, 875),
        (881, 881), (889, 889)], "piano": [(579, 579), (881, 881)], "trumpet": [(513, 513)],
    "car": [(436, 436), (468, 468), (511, 511), (609, 609), (627, 627), (656, 656), (661, 661), (751, 751), (817, 817)],
    "truck": [(555, 555), (569, 569), (675, 675), (717, 717), (864, 864), (867, 867)],
    "fire truck": [(555, 555)], "taxi": [(468, 468)], "bus": [(654, 654), (779, 779), (874, 874)],
    "train": [(466, 466), (547, 547), (565, 565), (705, 705), (820, 820)],
    "airplane": [(404, 404), (895, 895)], "plane": [(404, 404), (895, 895)],
    "boat": [(472, 472), (484, 484), (554, 554), (576, 576), (625, 625), (780, 780), (814, 814), (871, 871), (914, 914)],
    "sailboat": [(484, 484), (780, 780), (871, 871), (914, 914)],
    "ship": [(403, 403), (510, 510), (628, 628), (724, 724), (913, 913)],
    "bicycle": [(444, 444), (671, 671)], "bike": [(444, 444), (671, 671)], "motorcycle": [(665, 665), (670, 670)],
    "vehicle": [(407, 408), (555, 555), (569, 569), (654, 656), (675, 675), (717, 717), (779, 779), (817, 817), (864, 867)],
    "hat": [(439, 439), (452, 452), (515, 515), (808, 808)], "helmet": [(518, 518), (560, 560)],
    "shoe": [(502, 502), (514, 514), (630, 630), (770, 770), (774, 774)], "boots": [(514, 514)],
    "ball": [(429, 430), (522, 522), (574, 574), (722, 722), (768, 768), (805, 805), (852, 852), (890, 890)],
    "computer": [(508, 508), (527, 527), (590, 590), (620, 620), (664, 664), (681, 681)],
    "phone": [(487, 487), (528, 528), (707, 707)], "smartphone": [(487, 487), (605, 605)], "clock": [(409, 409), (530, 530), (892, 892)],
    "watch": [(531, 531), (826, 826)], "camera": [(732, 732), (759, 759)],
    "furniture": [(453, 453), (492, 493), (495, 495), (516, 516), (520, 520), (526, 526), (532, 532), (559, 559),
        (564, 564), (765, 765), (831, 831), (846, 846), (894, 894)],
    "chair": [(423, 423), (559, 559), (765, 765)], "sofa": [(831, 831)], "couch": [(831, 831)], "bed": [(564, 564)],
    "table": [(532, 532), (736, 736)], "lamp": [(619, 619), (846, 846)], "bottle": [(440, 440), (737, 737), (898, 898), (907, 907)],
    "gun": [(413, 413), (763, 764)], "weapon": [(413, 413), (471, 471), (763, 764)],
    "tool": [(477, 477), (587, 587), (740, 740), (784, 784), (792, 792)], "building": [(425, 425), (483, 483), (497, 498),
        (663, 663), (668, 668), (698, 698), (762, 762)], "bridge": [(821, 821), (839, 839), (888, 888)],
    "lighthouse": [(437, 437)], "fence": [(489, 489), (716, 716), (912, 912)], "shop": [(415, 415), (454, 454), (467, 467),
        (509, 509), (582, 582), (788, 788), (860, 860), (865, 865)], "store": [(454, 454), (582, 582), (788, 788)],
    "food": [(924, 938), (959, 967)], "meal": [(923, 926), (959, 965)], "fruit": [(948, 957)],
    "vegetable": [(935, 947)], "vegetables": [(935, 947)], "dessert": [(927, 929)], "bread": [(930, 932)],
    "apple": [(948, 948)], "coffee": [(504, 505), (550, 550), (967, 967)], "drink": [(966, 969)], "wine": [(907, 907), (966, 966)],
    "beer": [(440, 441)], "burger": [(933, 933)], "hamburger": [(933, 933)], "pasta": [(959, 959)], "soup": [(809, 809), (925, 926)],
    "squash": [(940, 942)], "pumpkin": [(607, 607)], "mountain": [(970, 970), (980, 980)], "mountains": [(970, 970)],
    "cliff": [(972, 972), (976, 976)], "beach": [(977, 978)], "sea": [(978, 978), (460, 460)], "ocean": [(978, 978)],
    "lake": [(975, 975)], "valley": [(979, 979)], "flower": [(985, 986)], "mushroom": [(947, 947), (991, 997)],
    "baseball player": [(981, 981)], "diver": [(983, 983)], "wedding": [(982, 982)], "swimsuit": [(445, 445), (638, 639), (842, 842)],
    "dress": [(578, 578), (601, 601), (689, 689)], "coat": [(568, 568), (617, 617), (869, 869)], "skirt": [(655, 655), (689, 689)],
    "t-shirt": [(610, 610)], "jeans": [(608, 608)], "suit": [(834, 834)], "bag": [(414, 414), (636, 636), (728, 728), (748, 748)],
    "screen": [(664, 664), (782, 782), (851, 851)], "tv": [(851, 851)], "fridge": [(760, 760)], "stairs": [(421, 421)],
    "traffic lights": [(920, 920)], "sign": [(919, 919)], "toy": [(850, 850), (865, 865)], "skiing": [(795, 795)],
    "tent": [(672, 672)], "camping": [(672, 672), (797, 797)], "gym": [(422, 422), (543, 543)], "kitchen": [(534, 534), (651, 651), (760, 760), (827, 827)],
    "toilet": [(861, 861)], "sink": [(896, 896)], "book": [(921, 921)], "sandwich": [(933, 933)], "corn on the cob": [(987, 987)],
}

# a better first phrase for names that a text model misreads or that nobody types
PLAIN = {7: "rooster", 15: "robin bird", 21: "kite bird", 97: "drake duck", 101: "tusker elephant", 134: "crane bird",
         242: "boxer dog", 254: "pug dog", 260: "chow dog", 285: "Egyptian cat", 290: "jaguar animal", 296: "polar bear",
         339: "sorrel horse", 345: "ox", 348: "ram sheep", 378: "capuchin monkey", 380: "titi monkey", 387: "red panda",
         412: "trash can", 436: "station wagon", 437: "lighthouse", 458: "brass plaque", 468: "taxi cab", 480: "ATM",
         487: "mobile phone", 517: "construction crane", 535: "disc brake", 536: "dock for boats", 543: "dumbbell",
         570: "gas mask", 577: "gong", 606: "clothes iron", 618: "soup ladle", 626: "cigarette lighter", 638: "swimsuit",
         639: "swimsuit", 656: "minivan", 664: "computer monitor", 666: "mortar and pestle", 673: "computer mouse",
         677: "metal nail", 704: "parking meter", 730: "plow", 733: "pole", 744: "missile", 782: "computer screen",
         831: "sofa bed", 834: "suit", 836: "sunglasses", 847: "army tank", 851: "television", 861: "toilet seat",
         880: "unicycle", 884: "vaulted ceiling", 895: "fighter jet", 916: "web page screenshot", 929: "popsicle",
         934: "hot dog", 967: "cup of espresso", 968: "cup", 970: "snowy mountain", 981: "baseball player",
         982: "bridegroom", 998: "ear of corn", 984: "rapeseed field"}

# labels of the other sources, as a person would type them
LABELS = {
    ("caltech101", "airplanes"): ["airplane", "plane"], ("caltech101", "bass"): ["bass fish", "fish"],
    ("caltech101", "car side"): ["car", "side view of a car"], ("caltech101", "cougar body"): ["cougar"],
    ("caltech101", "cougar face"): ["cougar face"], ("caltech101", "crocodile head"): ["crocodile head", "crocodile"],
    ("caltech101", "flamingo head"): ["flamingo head", "flamingo"], ("caltech101", "faces"): ["face of a person", "portrait", "face"],
    ("caltech101", "garfield"): ["Garfield cartoon cat", "cartoon"], ("caltech101", "snoopy"): ["Snoopy cartoon dog", "cartoon"],
    ("caltech101", "leopards"): ["leopard"], ("caltech101", "motorbikes"): ["motorbike", "motorcycle"],
    ("caltech101", "watch"): ["wrist watch", "watch"], ("caltech101", "water lilly"): ["water lily", "flower"],
    ("caltech101", "cellphone"): ["cell phone", "mobile phone", "phone"], ("caltech101", "rhino"): ["rhinoceros", "rhino"],
    ("caltech101", "joshua tree"): ["Joshua tree", "tree in the desert"], ("caltech101", "bonsai"): ["bonsai tree"],
    ("caltech101", "sunflower"): ["sunflower", "flower"], ("caltech101", "lotus"): ["lotus flower", "flower"],
    ("caltech101", "dollar bill"): ["dollar bill", "money"], ("caltech101", "pizza"): ["pizza", "food"],
    ("caltech101", "laptop"): ["laptop", "laptop computer", "computer"], ("caltech101", "dalmatian"): ["dalmatian", "dog"],
    ("caltech101", "ferry"): ["ferry", "ship", "boat"], ("caltech101", "ketch"): ["sailboat", "ketch", "boat"],
    ("caltech101", "schooner"): ["schooner", "sailing ship"], ("caltech101", "strawberry"): ["strawberry", "fruit"],
    ("caltech101", "headphone"): ["headphones"], ("caltech101", "binocular"): ["binoculars"], ("caltech101", "cup"): ["cup"],
    ("caltech101", "buddha"): ["Buddha statue", "statue"], ("caltech101", "inline skate"): ["inline skates", "roller skates"],
    ("clothing", "t shirt"): ["t-shirt", "tee shirt"], ("clothing", "longsleeve"): ["long-sleeved shirt", "long sleeve top", "sweater"],
    ("clothing", "outwear"): ["jacket", "outerwear", "coat"], ("clothing", "pants"): ["pants", "trousers"],
    ("clothing", "shoes"): ["shoes", "pair of shoes"], ("clothing", "shorts"): ["shorts", "pair of shorts"],
    ("scenes", "buildings"): ["buildings", "building", "city buildings", "architecture"], ("scenes", "forest"): ["forest", "trees", "woods"],
    ("scenes", "glacier"): ["glacier", "ice", "snowy mountain"], ("scenes", "mountain"): ["mountain", "mountains"],
    ("scenes", "sea"): ["sea", "ocean", "seaside"], ("scenes", "street"): ["street", "city street", "road in a town"],
    ("weather", "cloudy"): ["cloudy sky", "clouds", "cloudy day", "overcast weather"],
    ("weather", "foggy"): ["fog", "foggy day", "foggy weather", "mist"],
    ("weather", "rainy"): ["rain", "rainy day", "raindrops", "rainy weather"],
    ("weather", "shine"): ["sunshine", "sunny day", "blue sky", "sunny weather"],
    ("weather", "sunrise"): ["sunrise", "sunset", "sun over the horizon"],
    ("pacs", "person"): ["person"], ("pacs", "house"): ["house", "building"], ("pacs", "horse"): ["horse"],
    ("pacs", "guitar"): ["guitar"], ("pacs", "elephant"): ["elephant"], ("pacs", "dog"): ["dog"], ("pacs", "giraffe"): ["giraffe"],
}

TEMPLATES = ["{}", "{}", "{}", "a {}", "a {}", "the {}", "a photo of a {}", "photo of {}", "a picture of a {}", "a photo of the {}",
             "{} photo", "this is a {}", "an image of {}", "a close up of a {}", "a {} in the picture", "there is a {}"]


def read_names(data):
    """Synonyms of each of the 1,000 classes, as published."""
    with open(os.path.join(data, "imagenet_labels.txt"), encoding="utf-8") as f:
        lines = [line.strip() for line in f][1:]
    return [[name.strip() for name in line.split(",")] for line in lines]


def class_names(data):
    """For each class: [(name, weight)]; the first synonym counts most, then everyday words, then the rest."""
    covers = [[] for _ in range(1000)]
    for word, ranges in HYPERNYMS.items():
        for first, last in ranges:
            for number in range(first, last + 1):
                covers[number].append(word)
    table = []
    for number, synonyms in enumerate(read_names(data)):
        first = PLAIN.get(number, synonyms[0])
        # a scientific name (two words, capital first, lower second, at the end) is rarely typed
        rest = [s for s in synonyms if s != first]
        names = [(first, 1.0)] + [(s, 0.5 / len(rest)) for s in rest]
        names += [(word, 0.5 / len(covers[number])) for word in covers[number]]
        table.append(names)
    return table


def label_names(photo, by_synonym, classes):
    """Names of a labelled photo: our own list first, else the ImageNet class of that name, else the label."""
    own = LABELS.get((photo.source, photo.label))
    if own:
        return [(name, 1.0 if i == 0 else 0.5) for i, name in enumerate(own)]
    if photo.source in ("tinyimagenet", "imagenette") and photo.label in by_synonym:
        return classes[by_synonym[photo.label]]
    return [(photo.label, 1.0)]


def synonym_index(data):
    """First synonym -> class; of two classes with one first name the first wins."""
    index = {}
    for number, synonyms in enumerate(read_names(data)):
        index.setdefault(synonyms[0], number)
    return index


def phrase(names, dice):
    """One name in one template."""
    name = dice.choices([n for n, _ in names], [w for _, w in names])[0]
    text = dice.choice(TEMPLATES).format(name)
    return name, fix_article(text)


def fix_article(text):
    for vowel in "aeiouAEIOU":
        text = text.replace(f" a {vowel}", f" an {vowel}")
        if text.startswith(f"a {vowel}"):
            text = "an" + text[1:]
    return text


if __name__ == "__main__":
    import sys
    dice = random.Random(0)
    for names in class_names(sys.argv[1])[::97]:
        print(names, "|", phrase(names, dice)[1])
