"""Write a tiny llama model of random weights: 300 kB that load in a blink and answer with noise.

It stands in where no real model can be downloaded, to prove that everything around a model works. Its name says so,
so that nobody takes its answers for a model's. One seed, so every run writes the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np

NAME = "Harvis random test weights"
SEED = 20250101
CONTEXT_LENGTH = 4096
WIDTH = 64
HIDDEN_WIDTH = 128
HEADS = 4
LAYERS = 1

SPECIAL_TOKENS = ("<unk>", "<s>", "</s>")
BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
# The tokenizer writes a space as U+2581.
TEXT_TOKENS = ("\u2581", "\u2581\u2581")
TOKENS = SPECIAL_TOKENS + BYTE_TOKENS + TEXT_TOKENS
END_TOKEN = SPECIAL_TOKENS.index("</s>")
PRINTABLE = range(0x20, 0x7F)


def token_types() -> list[gguf.TokenType]:
    special = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    return special + [gguf.TokenType.BYTE] * len(BYTE_TOKENS) + [gguf.TokenType.NORMAL] * len(TEXT_TOKENS)


def likely_tokens() -> list[int]:
    """Printable ASCII and the end: noise that survives being decoded as UTF-8."""
    printable = [len(SPECIAL_TOKENS) + byte for byte in PRINTABLE]
    return [END_TOKEN, *printable, *range(len(TOKENS) - len(TEXT_TOKENS), len(TOKENS))]


def weights(random: np.random.Generator) -> dict[str, np.ndarray]:
    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.standard_normal((rows, columns), dtype=np.float32)

    def narrow(rows: int, columns: int) -> np.ndarray:
        return matrix(rows, columns) / np.float32(columns**0.5)

    output = matrix(len(TOKENS), WIDTH)
    unlikely = sorted(set(range(len(TOKENS))) - set(likely_tokens()))
    output[unlikely] = 0.0
    tensors = {
        "token_embd.weight": matrix(len(TOKENS), WIDTH),
        "output_norm.weight": np.ones(WIDTH, dtype=np.float32),
        "output.weight": output,
    }
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        tensors[prefix + "attn_norm.weight"] = np.ones(WIDTH, dtype=np.float32)
        tensors[prefix + "ffn_norm.weight"] = np.ones(WIDTH, dtype=np.float32)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"{prefix}{part}.weight"] = narrow(WIDTH, WIDTH)
        tensors[prefix + "ffn_gate.weight"] = narrow(HIDDEN_WIDTH, WIDTH)
        tensors[prefix + "ffn_up.weight"] = narrow(HIDDEN_WIDTH, WIDTH)
        tensors[prefix + "ffn_down.weight"] = narrow(WIDTH, HIDDEN_WIDTH)
    return tensors


def add_description(writer: gguf.GGUFWriter) -> None:
    writer.add_name(NAME)
    # Ollama leaves the name out of what it shows of a model, and keeps the base name.
    writer.add_basename(NAME)
    writer.add_description("Random numbers. Its answers mean nothing; it proves that the software around it works.")
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN_WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(token_types())
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END_TOKEN)


def main(target: Path) -> None:
    writer = gguf.GGUFWriter(target, arch="llama")
    add_description(writer)
    add_tokenizer(writer)
    for name, tensor in weights(np.random.default_rng(SEED)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
