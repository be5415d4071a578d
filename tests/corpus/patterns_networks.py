"""Neural networks written with NumPy."""

import numpy as np

from tests.corpus.registry import pattern


def weights(*shape, start=0.3):
    size = 1
    for n in shape:
        size *= n
    return np.sin(np.arange(size) * 1.3 + start).reshape(shape) * 0.7


INPUTS = weights(5, 3, start=0.9)
TARGETS = weights(5, 2, start=2.0)
IMAGE = weights(6, 6, start=0.1)


def relu(x):
    return np.maximum(x, 0)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@pattern([(weights(3, 4), weights(4)), (weights(4, 2), weights(2))])
def perceptron_of_pairs(params):
    # as in the examples of HIPS/autograd
    inputs = INPUTS
    for W, b in params:
        outputs = np.dot(inputs, W) + b
        inputs = np.tanh(outputs)
    return np.mean((outputs - TARGETS) ** 2)


@pattern({"W1": weights(3, 4), "b1": weights(4), "W2": weights(4, 2), "b2": weights(2)})
def perceptron_of_a_dict(p):
    hidden = relu(INPUTS @ p["W1"] + p["b1"])
    logits = hidden @ p["W2"] + p["b2"]
    labels = np.array([0, 1, 1, 0, 1])
    log_probs = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -log_probs[np.arange(5), labels].mean()


@pattern(weights(26))
def perceptron_of_a_flat_vector(theta):
    W1, b1 = theta[:12].reshape(3, 4), theta[12:16]
    W2, b2 = theta[16:24].reshape(4, 2), theta[24:]
    h = 1 / (1 + np.exp(-(INPUTS.dot(W1) + b1)))
    return np.sum((h.dot(W2) + b2 - TARGETS) ** 2)


@pattern(weights(3, 3))
def convolution_by_loops(kernel):
    out = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            out[i, j] = np.sum(IMAGE[i : i + 3, j : j + 3] * kernel)
    return np.sum(relu(out)) + out.max()


@pattern(weights(2, 3, 3))
def convolution_by_im2col(kernels):
    cols = np.array([IMAGE[i : i + 3, j : j + 3].ravel() for i in range(4) for j in range(4)])
    maps = (cols @ kernels.reshape(2, 9).T).T.reshape(2, 4, 4)
    pooled = maps.reshape(2, 2, 2, 2, 2).max(axis=(2, 4))
    return (pooled**2).sum()


@pattern(weights(3, 3))
def convolution_by_sliding_windows(kernel):
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE, (3, 3))
    return np.tanh(np.einsum("ijkl,kl->ij", windows, kernel)).sum()


@pattern(weights(6, 6, start=1.1))
def max_pooling_by_loops(image):
    pooled = np.zeros((3, 3))
    for i in range(0, 6, 2):
        for j in range(0, 6, 2):
            pooled[i // 2, j // 2] = np.max(image[i : i + 2, j : j + 2])
    return (pooled**2).sum()


@pattern({"Wxh": weights(3, 4), "Whh": weights(4, 4) * 0.5, "Why": weights(4, 2)})
def recurrent_network(p):
    h = np.zeros((1, 4))
    loss = 0
    hs = {-1: h}
    for t in range(5):
        hs[t] = np.tanh(INPUTS[t : t + 1] @ p["Wxh"] + hs[t - 1] @ p["Whh"])
        y = hs[t] @ p["Why"]
        loss += ((y - TARGETS[t]) ** 2).sum()
    return loss


@pattern(weights(16, 7))
def lstm_cell(W):
    def sigm(x):
        return 1.0 / (1.0 + np.exp(-x))

    h, c = np.zeros(4), np.zeros(4)
    for x in INPUTS:
        gates = W @ np.concatenate([x, h])
        i, f, o, g = np.split(gates, 4)
        c = sigm(f) * c + sigm(i) * np.tanh(g)
        h = sigm(o) * np.tanh(c)
    return h.sum()


class GRU:
    def __init__(self, Wz, Wr, Wh):
        self.Wz, self.Wr, self.Wh = Wz, Wr, Wh
        self.state = np.zeros(Wz.shape[0])

    @staticmethod
    def sigmoid(a):
        return 0.5 * (1 + np.tanh(0.5 * a))

    def __call__(self, x):
        xh = np.hstack((x, self.state))
        z, r = self.sigmoid(self.Wz @ xh), self.sigmoid(self.Wr @ xh)
        candidate = np.tanh(self.Wh @ np.hstack((x, r * self.state)))
        self.state = (1 - z) * self.state + z * candidate
        return self.state


@pattern([weights(2, 5), weights(2, 5, start=1.0), weights(2, 5, start=2.0)])
def gated_unit_class(params):
    cell = GRU(*params)
    outputs = [cell(x) for x in INPUTS]
    return np.mean((np.stack(outputs) - TARGETS) ** 2)


@pattern({"Q": weights(3, 3), "K": weights(3, 3, start=1.5), "V": weights(3, 3, start=0.6)})
def masked_self_attention(p):
    q, k, v = INPUTS @ p["Q"], INPUTS @ p["K"], INPUTS @ p["V"]
    scores = q @ k.T / np.sqrt(q.shape[-1])
    mask = np.triu(np.ones((5, 5), dtype=bool), k=1)
    scores = np.where(mask, -1e9, scores)
    return (softmax(scores) @ v).sum()


@pattern(weights(2, 4, 4))
def multi_head_attention(W):
    x = weights(5, 4, start=0.2)
    heads = x.reshape(5, 2, 2).transpose(1, 0, 2)
    att = softmax(np.einsum("hid,hjd->hij", heads, heads) / np.sqrt(2))
    merged = np.einsum("hij,hjd->ihd", att, heads).reshape(5, 4)
    out = merged @ W[0] + x
    mu, sd = out.mean(-1, keepdims=True), out.std(-1, keepdims=True)
    normed = (out - mu) / (sd + 1e-5)
    return (normed @ W[1] * np.arange(4)).sum()


@pattern({"gamma": weights(3), "beta": weights(3, start=1.0), "W": weights(3, 2)})
def batch_normalisation(p):
    mean = np.mean(INPUTS, axis=0)
    var = np.var(INPUTS, axis=0)
    xhat = (INPUTS - mean) / np.sqrt(var + 1e-5)
    h = p["gamma"] * xhat + p["beta"]
    h[h < 0] *= 0.01
    return np.square(h @ p["W"] - TARGETS).mean()


@pattern(weights(3, 4))
def dropout_with_a_seed(W):
    mask = np.random.default_rng(3).random((5, 4)) > 0.4
    h = np.tanh(INPUTS @ W) * mask / 0.6
    return (h**2).sum()


@pattern({"encoder": weights(3, 2), "decoder": weights(2, 3)})
def tied_autoencoder(p):
    code = np.tanh(np.matmul(INPUTS, p["encoder"]))
    sparsity = np.abs(code).mean()
    decoded = np.matmul(code, p["decoder"] + p["encoder"].T)
    return np.mean(np.square(INPUTS - decoded)) + 0.1 * sparsity


@pattern(weights(4, 2), weights(4, 2, start=2.2))
def variational_autoencoder(W):
    mu, logvar = np.hsplit(INPUTS @ W[:3], 2)
    noise = np.linspace(-1, 1, 5)[:, None]
    z = mu + np.exp(0.5 * logvar) * noise
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return kl + np.sum((z * W[3] - TARGETS) ** 2)


class Layer:
    def __init__(self, W, b, activation=None):
        self.W = W
        self.b = b
        self.activation = activation
        self.output = None

    def forward(self, x):
        z = np.dot(x, self.W) + self.b
        self.output = z if self.activation is None else self.activation(z)
        return self.output


class Network:
    def __init__(self):
        self.layers = []

    def add(self, layer):
        self.layers.append(layer)
        return self

    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def penalty(self):
        return sum((layer.W**2).sum() for layer in self.layers)


@pattern([weights(3, 4), weights(4), weights(4, 2), weights(2)])
def network_of_layer_objects(p):
    net = Network().add(Layer(p[0], p[1], activation=np.tanh)).add(Layer(p[2], p[3]))
    prediction = net(INPUTS)
    return ((prediction - TARGETS) ** 2).mean() + 1e-2 * net.penalty()


@pattern(weights(6, 3))
def embedding_and_triplet_loss(E):
    anchor, positive, negative = E[[0, 1]], E[[2, 2]], E[[4, 5]]
    d_pos = np.linalg.norm(anchor - positive, axis=1)
    d_neg = np.linalg.norm(anchor - negative, axis=1)
    return np.maximum(d_pos - d_neg + 1.0, 0.0).sum()


@pattern(weights(4, 3))
def contrastive_loss(Z):
    Z = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    S = Z @ Z.T / 0.5
    np.fill_diagonal(S, -np.inf)
    logits = S - np.max(S, axis=1, keepdims=True)
    log_prob = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -np.mean(log_prob[[0, 1, 2, 3], [1, 0, 3, 2]])


@pattern(weights(4, 4))
def graph_convolution(W):
    A = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]], dtype=float)
    A_hat = A + np.eye(4)
    D = np.diag(1 / np.sqrt(A_hat.sum(axis=1)))
    H = np.eye(4)
    for _ in range(2):
        H = np.where((Z := D @ A_hat @ D @ H @ W) > 0, Z, 0.2 * Z)
    return H.sum(axis=0).max() + np.mean(H)


@pattern(weights(2, 3))
def gelu_and_swish(x):
    gelu = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))))
    swish = x / (1 + np.exp(-x))
    elu = np.piecewise(x, [x < 0, x >= 0], [lambda t: np.exp(t) - 1, lambda t: t])
    softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)
    return (gelu * swish).sum() + elu.sum() + softplus.prod()
