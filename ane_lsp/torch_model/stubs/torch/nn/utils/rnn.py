"""Sequences of different lengths."""

import torch
from torch import _VF

_FIELDS = ("data", "batch_sizes", "sorted_indices", "unsorted_indices")


class PackedSequence:
    def __init__(self, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        self.data = data
        self.batch_sizes = batch_sizes
        self.sorted_indices = sorted_indices
        self.unsorted_indices = unsorted_indices

    def __iter__(self):
        return iter((self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices))

    def __getitem__(self, idx):
        return (self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)[idx]

    def __len__(self):
        return 4

    def _replace(self, **kwargs):
        values = {name: kwargs.get(name, getattr(self, name)) for name in _FIELDS}
        return PackedSequence(**values)

    def to(self, *args, **kwargs):
        return self._replace(data=self.data.to(*args, **kwargs))

    def cuda(self, *args, **kwargs):
        return self

    def cpu(self, *args, **kwargs):
        return self


def invert_permutation(permutation):
    return None if permutation is None else torch.empty_like(permutation)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    if not isinstance(lengths, torch.Tensor):
        lengths = torch.as_tensor(lengths, dtype=torch.int64)
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = torch.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    packed = _VF._pack_padded_sequence(input, lengths, batch_first)
    return PackedSequence(packed[0], packed[1], sorted_indices, invert_permutation(sorted_indices))


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    padded = _VF._pad_packed_sequence(
        sequence.data, sequence.batch_sizes, batch_first, padding_value, -1 if total_length is None else total_length
    )
    output, lengths = padded[0], padded[1]
    if sequence.unsorted_indices is not None:
        output = output.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices]
    return output, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    sequences = list(sequences)
    longest = max([sequence.size(0) for sequence in sequences])
    padded = []
    for sequence in sequences:
        missing = longest - sequence.size(0)
        ends = [0, missing] if padding_side == "right" else [missing, 0]
        pads = [0, 0] * (sequence.dim() - 1) + ends
        padded.append(torch.nn.functional.pad(sequence, pads, value=padding_value))
    return torch.stack(padded, dim=0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [padded_sequences[i][:length] for i, length in enumerate(lengths)]


def pack_sequence(sequences, enforce_sorted=True):
    lengths = torch.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
