"""Who is trained on and who is kept for measuring, beyond the dev split of the table.

From the photos with a class name one in ten is kept back, and whole classes of tinyimagenet too: only their names and
the classifier's knowledge of them reach the model, so they measure what was carried over from the classifier.
"""
import zlib


def kept_classes(photos):
    labels = sorted({p.label for p in photos if p.source == "tinyimagenet"})
    return set(labels[5::10])


def training(photos, whole_classes=True):
    """-> bool a photo. whole_classes: keep whole classes back too."""
    kept = kept_classes(photos)
    def one(photo):
        if photo.split != "train":
            return False
        if photo.captions:
            return True
        if whole_classes and photo.source == "tinyimagenet" and photo.label in kept:
            return False
        return zlib.crc32(photo.file.encode()) % 10 != 0
    return [one(photo) for photo in photos]
