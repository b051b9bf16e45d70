"""Sequences of different lengths.

A packed sequence keeps the padded one it came from: recurrent layers run on that, and unpacking gives it back, cut to
the longest length. How many steps that is, and how many rows are packed, is known where the lengths are.
"""

import torch
from torch import _C


class PackedSequence:
    def __init__(self, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        self.data = data
        self.batch_sizes = batch_sizes
        self.sorted_indices = sorted_indices
        self.unsorted_indices = unsorted_indices
        self._padded = None  # batch first
        self._lengths = None

    def __iter__(self):
        return iter((self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices))

    def __getitem__(self, idx):
        return (self.data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)[idx]

    def __len__(self):
        return 4

    def _with_padded(self, padded):
        """The same lengths with other contents."""
        rows = self.data.shape[0]
        packed = PackedSequence(
            torch.empty((rows, *padded.shape[2:]), dtype=padded.dtype),
            self.batch_sizes,
            self.sorted_indices,
            self.unsorted_indices,
        )
        packed._padded = padded
        packed._lengths = self._lengths
        return packed

    def _replace(self, **kwargs):
        if "data" in kwargs and len(kwargs) == 1:
            return PackedSequence(kwargs["data"], self.batch_sizes, self.sorted_indices, self.unsorted_indices)
        return torch.a_packed_sequence_with_other_fields

    def to(self, *args, **kwargs):
        return self._with_padded(self._padded.to(*args, **kwargs))

    def cuda(self, *args, **kwargs):
        return self

    def cpu(self, *args, **kwargs):
        return self


def invert_permutation(permutation):
    return None if permutation is None else torch.empty_like(permutation)


def _longest_and_sum(lengths):
    numbers = _C._numbers(lengths)
    if not numbers:
        unknown = int(_C._unknown("how long the sequences are depends on the values of the lengths"))
        return unknown, unknown
    return int(max(numbers)), int(sum(numbers))


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    if not isinstance(lengths, torch.Tensor):
        lengths = torch.as_tensor(lengths, dtype=torch.int64)
    padded = input if batch_first else input.transpose(0, 1)
    order = None if enforce_sorted else torch.empty(lengths.shape, dtype=torch.int64)
    back = None if enforce_sorted else torch.empty(lengths.shape, dtype=torch.int64)
    longest, total = _longest_and_sum(lengths)
    batch_sizes = torch.empty(longest, dtype=torch.int64)
    rows = torch.empty((total, *padded.shape[2:]), dtype=padded.dtype)
    packed = PackedSequence(rows, batch_sizes, order, back)
    packed._padded = padded
    packed._lengths = lengths
    return packed


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    if sequence._padded is None:
        return _C._unknown("the padding of a sequence that was packed elsewhere is not known")
    padded = sequence._padded
    lengths = sequence._lengths
    longest, _ = _longest_and_sum(lengths)
    output = padded.narrow(1, 0, longest)
    if total_length is not None:
        missing = total_length - longest
        if missing < 0:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        output = padded.narrow(1, 0, min(longest, total_length))
        output = torch.nn.functional.pad(output, [0, 0] * (padded.dim() - 2) + [0, missing], value=padding_value)
    return output if batch_first else output.transpose(0, 1), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    return torch._C._nn.pad_sequence(list(sequences), batch_first, padding_value, padding_side)


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
