"""Tokenizers in the files that models are published with: CLIP's byte-level BPE, SigLIP's SentencePiece unigram, Gemma's BPE of SigLIP 2,
and BERT's list of Chinese characters. Each is trained here on sentences that the caller gives, and written with the same fields as the
published ones have."""
import gzip
import io
import json
import pathlib

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def byte_letters():
    """The 256 characters that stand for bytes in GPT-2's and CLIP's vocabularies, in the order of CLIP's."""
    shown = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) for b in shown] + [chr(256 + i) for i in range(len(hidden))]


def clip_merges(sentences, count):
    """Pairs of pieces, the most frequent first, over words that end in </w>."""
    learner = tokenizers.Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    alphabet = byte_letters()
    trainer = trainers.BpeTrainer(vocab_size=512 + count, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(sentences, trainer)
    merges = [tuple(m) for m in json.loads(learner.to_str())["model"]["merges"]]
    return [m for m in merges if m[0] and m[1]][:count]


def clip_of_open_clip():
    """The merges that open_clip ships."""
    from open_clip.tokenizer import default_bpe
    lines = gzip.open(default_bpe()).read().decode().split("\n")
    return [tuple(line.split()) for line in lines[1:49152 - 256 - 2 + 1]]


def clip_vocabulary(merges):
    letters = byte_letters()
    words = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {w: i for i, w in enumerate(words)}


def write_clip(folder, merges, forms=("vocab", "json"), length=77):
    """vocab.json and merges.txt, tokenizer.json, and the configuration beside them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = clip_vocabulary(merges)
    if "vocab" in forms:
        (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    if "json" in forms:
        start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
        special = dict(single_word=False, lstrip=False, rstrip=False, special=True)
        (folder / "tokenizer.json").write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": start, **special, "content": "<|startoftext|>", "normalized": True},
                             {"id": end, **special, "content": "<|endoftext|>", "normalized": False}],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Removed", "invert": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}]},
            "post_processor": {"type": "RobertaProcessing", "sep": ["<|endoftext|>", end], "cls": ["<|startoftext|>", start],
                               "trim_offsets": False, "add_prefix_space": False},
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
                      "end_of_word_suffix": "</w>", "fuse_unk": False, "vocab": vocabulary, "merges": [f"{a} {b}" for a, b in merges]},
        }, ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "unk_token": "<|endoftext|>", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "add_prefix_space": False, "errors": "replace", "do_lower_case": True, "model_max_length": length,
        "tokenizer_class": "CLIPTokenizer"}, indent=2) + "\n")


def write_bpe_gz(path, merges):
    """The file that OpenAI's and open_clip's own tokenizer reads."""
    with gzip.GzipFile(path, "wb", mtime=0) as f:
        f.write(("#version: 0.2\n" + "\n".join(f"{a} {b}" for a, b in merges)).encode())  # open_clip takes an empty last line for a pair


def siglip_model(sentences, size, rule="nmt_nfkc"):
    """Bytes of a SentencePiece unigram model with the ids of T5's: <pad> 0, </s> 1, <unk> 2."""
    import sentencepiece
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=out, vocab_size=size, model_type="unigram", character_coverage=0.9995,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, input_sentence_size=400000, shuffle_input_sentence=True,
        num_threads=1, minloglevel=2, byte_fallback=False, normalization_rule_name=rule)
    return out.getvalue()


def write_siglip(folder, model, forms=("model",), length=64):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if "model" in forms:
        (folder / "spiece.model").write_bytes(model)
    if "json" in forms:
        (folder / "tokenizer.json").write_text(siglip_json(model))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "do_lower_case": True, "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>", "model_max_length": length,
        "additional_special_tokens": [], "sp_model_kwargs": {},
        "tokenizer_class": "SiglipTokenizer" if "model" in forms else "PreTrainedTokenizerFast"}, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps({
        "eos_token": {"content": "</s>", "lstrip": True, "normalized": False, "rstrip": True, "single_word": False},
        "pad_token": {"content": "</s>", "lstrip": True, "normalized": False, "rstrip": True, "single_word": False},
        "unk_token": {"content": "<unk>", "lstrip": True, "normalized": False, "rstrip": True, "single_word": False}}, indent=2) + "\n")


def siglip_json(model):
    """tokenizer.json as the timm copies of SigLIP have it: T5's with an end token."""
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    pieces = [(p.piece, p.score) for p in proto.pieces]
    t = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=2))
    characters = proto.normalizer_spec.precompiled_charsmap
    t.normalizer = normalizers.Sequence(([normalizers.Precompiled(characters)] if characters else []) + [
        normalizers.Strip(left=False, right=True), normalizers.Replace(tokenizers.Regex(" {2,}"), "▁")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    t.add_special_tokens([tokenizers.AddedToken("</s>", lstrip=True, rstrip=True, normalized=False),
                          tokenizers.AddedToken("<unk>", lstrip=True, rstrip=True, normalized=False)])
    return t.to_str()


def gemma_json(sentences, size):
    """tokenizer.json of a BPE with byte fallback and no spaces at the front, with the special tokens of Gemma's: <pad> 0, <eos> 1, <bos>
    2, <unk> 3, <mask> 4."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    learner = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=size - len(bytes_), special_tokens=special, limit_alphabet=size // 2, show_progress=False)
    learner.train_from_iterator((s.lower() for s in sentences), trainer)
    learned = json.loads(learner.to_str())["model"]
    words = [w for w, _ in sorted(learned["vocab"].items(), key=lambda item: item[1])]
    words = words[:len(special)] + bytes_ + words[len(special):]
    t = tokenizers.Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, [tuple(m) for m in learned["merges"]], unk_token="<unk>",
                                        fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    t.post_processor = processors.TemplateProcessing(single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.add_special_tokens([tokenizers.AddedToken(s, normalized=False) for s in special])
    return t.to_str(), len(words)


def write_gemma(folder, text, length=64):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(text)
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_bos_token": False, "add_eos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>",
        "pad_token": "<pad>", "mask_token": "<mask>", "do_lower_case": True, "model_max_length": length, "padding_side": "right",
        "tokenizer_class": "GemmaTokenizer"}, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps({
        "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}, indent=2) + "\n")


def bert_words(sentences, count):
    """BERT's special tokens where bert-base-chinese has them when count is large enough, ASCII, and the characters and words that are
    most frequent."""
    import collections
    head = ["[PAD]"] + [f"[unused{i}]" for i in range(1, 100)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if count < 2000:
        head = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    tally = collections.Counter()
    for s in sentences:
        for c in s.lower():
            if ord(c) > 127 and not c.isspace():
                tally[c] += 4
        for w in s.lower().split():
            if w.isascii() and w.isalpha() and 1 < len(w) < 12:
                tally[w] += 1
                tally["##" + w[-2:]] += 1
    words = head + letters + ["##" + c for c in letters if c.isalnum()]
    known = set(words)
    for w, _ in tally.most_common():
        if len(words) >= count:
            break
        if w not in known:
            words.append(w)
            known.add(w)
    while len(words) < count:
        words.append(f"[unused{1000 + len(words)}]")
    return words


def write_bert(folder, words, length=512):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(w + "\n" for w in words))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "do_lower_case": True, "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
        "mask_token": "[MASK]", "tokenize_chinese_chars": True, "strip_accents": None, "model_max_length": length,
        "tokenizer_class": "BertTokenizer"}, indent=2) + "\n")


# ---- The reference: sentences to ids, with the code of the published packages ----

def clip_ids(merges, length=77):
    """open_clip's own tokenizer: zeros behind the end token."""
    import tempfile
    from open_clip.tokenizer import SimpleTokenizer
    with tempfile.NamedTemporaryFile(suffix=".gz") as f:
        write_bpe_gz(f.name, merges)
        t = SimpleTokenizer(f.name, context_length=length)
    return lambda texts: t(texts)


def hf_clip_ids(folder, length=77):
    from transformers import AutoTokenizer
    t = AutoTokenizer.from_pretrained(str(folder))
    return lambda texts: t(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids


def siglip_ids(folder, length=64):
    """transformers' own SiglipTokenizer."""
    from transformers import SiglipTokenizer
    t = SiglipTokenizer.from_pretrained(str(folder))
    return lambda texts: t(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids


def open_clip_json_ids(folder, length=64, pad="</s>"):
    """What open_clip's HFTokenizer with clean="canonicalize" does, as the SigLIP configurations have it; tokenizer.json as it is."""
    import torch
    from open_clip.tokenizer import get_clean_fn
    t = tokenizers.Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    t.enable_truncation(length)
    t.enable_padding(length=length, pad_id=t.token_to_id(pad), pad_token=pad)
    clean = get_clean_fn("canonicalize")
    return lambda texts: torch.tensor([t.encode(clean(s)).ids for s in texts])


def siglip2_ids(folder, length=64):
    """transformers' tokenizer of Gemma with the step that its Siglip2Tokenizer puts before: lower case, which SigLIP 2 was trained on."""
    t = tokenizers.Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    t.normalizer = normalizers.Sequence([normalizers.Lowercase(), t.normalizer])
    t.enable_truncation(length)
    t.enable_padding(length=length, pad_id=0, pad_token="<pad>")
    import torch
    return lambda texts: torch.tensor([t.encode(s).ids for s in texts])


def bert_ids(folder, length=52):
    """transformers' BertTokenizer; ids and how many of them there are."""
    from transformers import BertTokenizer
    t = BertTokenizer(vocab=str(pathlib.Path(folder) / "vocab.txt"), do_lower_case=True)
    return lambda texts: t(texts, padding=True, max_length=length, truncation=True, return_tensors="pt").input_ids
