"""What loaders over shards of JPEG bytes and boxes share: the sample in a worker, the batch."""

from __future__ import annotations

import numpy as np
import torch
from common import decode, transform


def sample(jpeg, boxes):
    """The transformed picture as a tensor, and how many boxes it kept."""
    rng = np.random.default_rng(int(torch.randint(1 << 62, ())))
    image, kept = transform(decode(jpeg), boxes.reshape(-1, 4), rng)
    return torch.from_numpy(image), len(kept)


def stack(items):
    """Pictures (b, 3, h, w) and the number of boxes of a batch."""
    return torch.stack([image for image, _ in items]), sum(count for _, count in items)
