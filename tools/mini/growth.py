"""Make a trained Llama deeper and wider without changing what it computes.

Knows the weights of a Llama. Deliberately knows nothing of data or training.
"""

import torch
from transformers import LlamaConfig, LlamaForCausalLM


@torch.no_grad()
def grown(small: LlamaForCausalLM, layers: int, feed_forward: int, seed: int = 0) -> LlamaForCausalLM:
    """A float32 Llama with `layers` layers and `feed_forward` inner features whose logits are those of `small`.

    A new layer stands right after the old one that it copies; its two output projections start at zero, so it adds nothing
    until training moves them. New feed-forward features start with random inputs and zero outputs.
    Raises ValueError when a size would shrink.
    """
    before = small.config
    if layers < before.num_hidden_layers or feed_forward < before.intermediate_size:
        raise ValueError(f"a model of {before.num_hidden_layers} layers and {before.intermediate_size} features only grows")

    # 1. a large model with random weights
    torch.manual_seed(seed)
    values = {**before.to_dict(), "num_hidden_layers": layers, "intermediate_size": feed_forward}
    large = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in values.items() if k not in ("dtype", "torch_dtype")})).float()

    # 2. what stands outside the layers
    large.model.embed_tokens.weight.copy_(small.model.embed_tokens.weight)
    large.model.norm.weight.copy_(small.model.norm.weight)

    # 3. layers: old ones spread evenly, each repeated until the next begins
    previous = -1
    for place, layer in enumerate(large.model.layers):
        origin = place * before.num_hidden_layers // layers
        for name, weight in layer.named_parameters():
            old = small.model.layers[origin].get_parameter(name)
            weight[tuple(slice(size) for size in old.shape)] = old.to(weight.dtype)
        layer.mlp.down_proj.weight[:, before.intermediate_size :] = 0
        if origin == previous:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        previous = origin
    return large
