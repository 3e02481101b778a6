"""Retrieval figures."""
import torch


def recall(sentences, photos, owner, ks=(1, 5, 10)):
    """Text to photo: owner[i] is the row of sentence i's photo. In percent."""
    scores = sentences @ photos.T
    mine = scores[torch.arange(len(owner)), owner]
    rank = (scores > mine[:, None]).sum(1)
    return [100.0 * (rank < k).float().mean().item() for k in ks]


def precision_at(word_vectors, photos, labels, k=10):
    """One word a class: the share of the k best photos that carry its label. In percent, a list."""
    best = (word_vectors @ photos.T).topk(k, dim=1).indices
    return [100.0 * (labels[row] == number).float().mean().item() for number, row in enumerate(best)]


def accuracy(word_vectors, photos, labels, top=1):
    """Zero-shot classification: photo to the nearest of the words. In percent."""
    best = (photos @ word_vectors.T).topk(top, dim=1).indices
    return 100.0 * (best == labels[:, None]).any(1).float().mean().item()
