"""Features of photos that we do not have: what a photo of ImageNet class c would look like to the pooled layer.

If features of a class are spread around its mean with one shared covariance S, the best linear classifier has rows
W_c = S^-1 mu_c, so mu_c is about g + k * S (W_c - mean W). S and k are measured on the labelled photos; a sample adds
the deviation of some real photo from the mean of its own class. Measured on small blurred photos k comes out too low: the
samples are pushed out (`push`) until the classifier is about as sure of them as of real photos.
"""
import torch

from common import log


class PseudoFeatures:
    def __init__(self, classifier, features, groups, class_of_group, push=2.0):
        """features: N,1280 of labelled photos; groups: N group numbers; class_of_group: group -> class or None."""
        groups = torch.as_tensor(groups)
        count = int(groups.max()) + 1
        means = torch.zeros(count, features.shape[1]).index_add(0, groups, features)
        means /= torch.bincount(groups, minlength=count).clamp_min(1)[:, None]
        self.deviations = features - means[groups]
        covariance = self.deviations.T @ self.deviations / len(features)
        directions = (classifier - classifier.mean(0)) @ covariance
        known = [(g, c) for g, c in class_of_group.items() if c is not None]
        real = means[[g for g, _ in known]]
        ideal = directions[[c for _, c in known]]
        centred, ideal_centred = real - real.mean(0), ideal - ideal.mean(0)
        k = (centred * ideal_centred).sum() / (ideal_centred * ideal_centred).sum()
        cosine = torch.cosine_similarity(centred, ideal_centred).mean()
        self.means = features.mean(0) + push * k * directions
        log(f"pseudo features: k {k:.2f}, cosine with {len(known)} real class means {cosine:.3f}")

    def sample(self, classes, generator):
        rows = torch.randint(0, len(self.deviations), (len(classes),), generator=generator)
        return (self.means[classes] + self.deviations[rows]).clamp_min(0)
