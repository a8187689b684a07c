"""Every string a reader sees, in English and Chinese.

Knows: words. Does not know: components.
"""

from typing import Literal

Lang = Literal["en", "zh"]
LANGUAGES: dict[str, Lang] = {"English": "en", "中文": "zh"}

STRINGS: dict[str, tuple[str, str]] = {
    "title": ("How deep should a recurrent network be?", "循环神经网络要多深？"),
    "subtitle": (
        "Character models that differ in one thing at a time. Give them one prompt and one seed, and see what depth, "
        "gates and data buy.",
        "这些字符模型每次只差一处。给它们同一个开头和同一个随机种子，看看深度、门控和数据各带来什么。",
    ),
    "tab_compare": ("Compare", "续写对比"),
    "tab_score": ("Score", "困惑度"),
    "prompt": ("Prompt", "开头"),
    "models": ("Models (up to {most})", "模型（最多 {most} 个）"),
    "temperature": ("Temperature", "温度"),
    "temperature_hint": (
        "0: always the likeliest; 1: the model's own odds.",
        "0：总取最可能的；1：按模型自己的概率。",
    ),
    "length": ("Length", "长度"),
    "seed": ("Seed", "随机种子"),
    "generate": ("Generate", "生成"),
    "stop": ("Stop", "停止"),
    "keys": ("Ctrl/⌘ + Enter generates, Esc stops.", "Ctrl/⌘ + 回车生成，Esc 停止。"),
    "score_text": ("Text to score", "要打分的文本"),
    "score_hint": (
        "Paste a text of up to {most} characters. The first character is context; every other one is predicted.",
        "粘贴一段文本（最多 {most} 个字符）。第一个字符只作上文，其余每个字符都要预测。",
    ),
    "score": ("Score", "打分"),
    "example_memorised": ("From the training text", "训练文本中的一段"),
    "example_new": ("Newly written, same style", "同一风格的新句子"),
    "example_shuffled": ("The same words, shuffled", "同样的词，打乱顺序"),
    "example_prose": ("Ordinary prose, with capitals and commas", "普通文章，有大写和逗号"),
    # cards
    "layers": ("{n} layers", "{n} 层"),
    "layer": ("1 layer", "1 层"),
    "residual": ("residual", "残差"),
    "wrong": ("weights and state shared: wrong", "共用权重和状态：错误写法"),
    "parameters": ("{n} parameters", "{n} 个参数"),
    "trained_on": ("{text}, {chars} characters", "{text}，{chars} 个字符"),
    "train": ("train", "训练"),
    "heldout": ("held-out", "未见过的文本"),
    "guessing": ("guessing", "均匀猜测"),
    "perplexities": (
        "Perplexity per character, log scale. Train {train}, held-out {heldout}, guessing all symbols alike {guess}.",
        "每字符困惑度（对数刻度）。训练 {train}，未见过的文本 {heldout}，在所有符号中均匀猜测 {guess}。",
    ),
    "reading_rote": (
        "Knows its training text by heart. On text it never saw it does worse than guessing all {guess} symbols alike.",
        "训练文本背得烂熟；遇到没见过的文本，比在 {guess} 个符号中均匀乱猜还差。",
    ),
    "reading_flat": (
        "Learned little more than how often each letter occurs.",
        "除了各字母出现的频率，几乎什么也没学到。",
    ),
    "reading_overfit": (
        "Predicts its training text far better than text it never saw.",
        "预测训练文本远好于没见过的文本。",
    ),
    "reading_general": (
        "Predicts new text about as well as its training text.",
        "预测新文本与预测训练文本差不多。",
    ),
    "recorded": ("recorded, seed {seed}", "预先录制，种子 {seed}"),
    "speed": ("{n} characters/s", "{n} 字符/秒"),
    "writing": ("writing", "书写中"),
    "finished": ("finished", "完成"),
    "stopped": ("stopped", "已停止"),
    "waiting": ("press Generate", "请点“生成”"),
    "unread": ("{n} characters of the prompt are outside its alphabet", "开头有 {n} 个字符不在它的字母表里"),
    "note_forms": (
        "Models of the form d2l read letters (as lower case) and spaces, as the note prepared the book; every other "
        "character is unknown to them.",
        "d2l 形式的模型只认字母（一律当小写）和空格，与原笔记对书的处理一致；其他字符对它们都是未知字符。",
    ),
    "measure": (
        "Perplexity per character. Train: the text it was trained on, read as in training. Held-out: the end of "
        "its book, never trained on, read as one text.",
        "每字符困惑度。训练：按训练时的读法读训练文本。未见过的文本：书末从未用于训练的一段，从头连续读完。",
    ),
    # score
    "col_model": ("Model", "模型"),
    "col_ppl": ("Perplexity", "困惑度"),
    "col_bpc": ("Bits per character", "每字符比特数"),
    "col_nats": ("Nats per character", "每字符奈特数"),
    "col_unknown": ("Unknown", "未知字符"),
    "col_guess": ("Guessing", "均匀猜测"),
    "heat": ("Surprise at each character", "每个字符的意外程度"),
    "heat_scale": ("expected", "意料之中"),
    "heat_scale_high": ("surprising", "出乎意料"),
    "heat_unknown": ("outside the alphabet", "不在字母表内"),
    "heat_hint": (
        "Move over a character, or click it, to see how probable each model found it.",
        "把鼠标移到字符上，或点一下，看各模型认为它有多大可能。",
    ),
    "heat_first": ("The first character is context and is not predicted.", "第一个字符是上文，不作预测。"),
    "forms_differ": (
        "These models read different alphabets: their perplexities are not to be ranked together.",
        "这些模型的字母表不同，困惑度不能放在一起排名。",
    ),
    "unknown_counted": (
        "Unknown characters are counted in the perplexity, at the price the model puts on its unknown symbol.",
        "未知字符也计入困惑度，按模型给“未知符号”的概率计价。",
    ),
    "score_empty": ("Scores appear here.", "打分结果会显示在这里。"),
    # errors
    "error_models_none": ("Choose at least one model.", "请至少选择一个模型。"),
    "error_models_many": (
        "Choose at most {most} models; {n} were asked for.",
        "最多选择 {most} 个模型，现在是 {n} 个。",
    ),
    "error_model_unknown": ("There is no model {name}. There are: {known}.", "没有模型 {name}。现有：{known}。"),
    "error_prompt_long": (
        "The prompt has {n} characters; the limit is {most}. Shorten it.",
        "开头有 {n} 个字符，上限是 {most}，请缩短。",
    ),
    "error_text_long": (
        "The text has {n} characters; the limit is {most}. Score a part of it.",
        "文本有 {n} 个字符，上限是 {most}，请只取一部分。",
    ),
    "error_text_short": (
        "Scoring needs at least two characters: the first is context for the second.",
        "打分至少需要两个字符：第一个是第二个的上文。",
    ),
    "error_number": (
        "{field} must be a number from {least} to {most}, not {value}.",
        "{field} 必须是 {least} 到 {most} 之间的数，而不是 {value}。",
    ),
    "error_text_type": ("{field} must be a text.", "{field} 必须是文本。"),
    "error_broken": (
        "The model {name} could not be loaded; the server's log says why.",
        "模型 {name} 无法加载，原因见服务器日志。",
    ),
}


def tr(key: str, lang: Lang, **values: object) -> str:
    """The string of that key in a language, its {places} filled in."""
    return STRINGS[key][0 if lang == "en" else 1].format(**values)
