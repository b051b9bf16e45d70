import torch
from speechbrain.lobes.models.CRDNN import CRDNN

if __name__ == "__main__":
    model = CRDNN(input_shape=(None, 50, 40), cnn_blocks=1, cnn_channels=(16,), rnn_neurons=32, dnn_neurons=32)
    model.eval()
    model(torch.zeros(1, 50, 40))
