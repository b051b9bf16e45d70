from collections import namedtuple

import torch
from torch import nn

Output = namedtuple("Output", ["logits", "state", "attention"])


class Encoder(nn.Module):
    def __init__(self, inputs, hidden, layers=2):
        super().__init__()
        self.conv = nn.ModuleList()
        for i, (kernel, stride) in enumerate([(5, 2), (3, 2)]):
            self.conv.append(nn.Conv1d(inputs if i == 0 else hidden, hidden, kernel, stride, kernel // 2))
        self.rnn = nn.GRU(hidden, hidden, layers, batch_first=True, bidirectional=True)
        self.reduce = nn.Linear(2 * hidden, hidden)

    def forward(self, x):
        for layer in self.conv:
            x = layer(x).relu()
        output, state = self.rnn(x.transpose(1, 2))
        forward, backward = state.view(-1, 2, *state.shape[1:]).unbind(1)
        return self.reduce(output), torch.tanh(forward + backward)


class Step(nn.Module):
    def __init__(self, hidden, tokens):
        super().__init__()
        self.embed = nn.Embedding(tokens, hidden, padding_idx=0)
        self.cell = nn.LSTMCell(2 * hidden, hidden)
        self.query, self.key = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.energy = nn.Linear(hidden, 1)
        self.out = nn.Linear(hidden, tokens)

    def forward(self, token, state, memory):
        weights = self.energy(torch.tanh(self.query(state[0]).unsqueeze(1) + self.key(memory))).squeeze(-1).softmax(dim=1)
        context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        state = self.cell(torch.cat((self.embed(token), context), dim=-1), state)
        return Output(self.out(state[0]), state, weights)


class Speller(nn.Module):
    def __init__(self, inputs=12, hidden=16, tokens=9, length=3):
        super().__init__()
        self.encoder = Encoder(inputs, hidden)
        self.step = Step(hidden, tokens)
        self.length = length

    def forward(self, x):
        memory, state = self.encoder(x)
        token = torch.ones(x.shape[0], dtype=torch.long, device=x.device)
        state = (state[-1], torch.zeros_like(state[-1]))
        logits = []
        for _ in range(self.length):
            result = self.step(token, state, memory)
            state, token = result.state, result.logits.argmax(-1)
            logits.append(result.logits)
        return torch.stack(logits, dim=1), [r.shape for r in logits]


if __name__ == "__main__":
    Speller().eval()(torch.zeros(2, 12, 40))
