"""Every string a reader sees, in English and Chinese.

Knows: words. Does not know: components.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

Lang = Literal["en", "zh"]
LANGUAGES: dict[str, Lang] = {"English": "en", "中文": "zh"}
NAMES: dict[Lang, str] = {lang: name for name, lang in LANGUAGES.items()}

BOOKS = {  # the titles of the catalogue's texts
    "alice": ("Alice's Adventures in Wonderland", "《爱丽丝漫游奇境》"),
    "doctor_moreau": ("The Island of Doctor Moreau", "《莫罗博士的岛》"),
    "federalist": ("The Federalist Papers", "《联邦党人文集》"),
    "first_men_in_the_moon": ("The First Men in the Moon", "《最早登上月球的人》"),
    "food_of_the_gods": ("The Food of the Gods", "《神食》"),
    "invisible_man": ("The Invisible Man", "《隐身人》"),
    "journey_to_the_west": ("Journey to the West", "《西游记》"),
    "moby_dick": ("Moby-Dick", "《白鲸》"),
    "origin_of_species": ("On the Origin of Species", "《物种起源》"),
    "pride_and_prejudice": ("Pride and Prejudice", "《傲慢与偏见》"),
    "sherlock_holmes": ("Sherlock Holmes", "《福尔摩斯探案》"),
    "sleeper_wakes": ("When the Sleeper Wakes", "《昏睡百年》"),
    "tale_of_two_cities": ("A Tale of Two Cities", "《双城记》"),
    "time_machine": ("The Time Machine", "《时间机器》"),
    "tiny_shakespeare": ("tiny Shakespeare", "《莎士比亚戏剧选》"),
    "war_in_the_air": ("The War in the Air", "《大空战》"),
    "war_of_the_worlds": ("The War of the Worlds", "《世界之战》"),
}
STRINGS: dict[str, tuple[str, str]] = {
    "title": ("How deep should a recurrent network be?", "循环神经网络要多深？"),
    "subtitle": (
        "Character models that differ in one thing at a time, as far as that can be. Give them one prompt and one "
        "seed, and see what depth, gates and data buy.",
        "比较这些字符级语言模型时，尽量一次只改一个因素。给它们同样的开头和同样的随机种子，看看深度、门控和数据各带来"
        "什么。",
    ),
    "tab_compare": ("Compare", "续写对比"),
    "tab_score": ("Score", "困惑度"),
    "tab_experiments": ("Experiments", "实验"),
    "tab_inside": ("Inside", "内部"),
    "tab_learn": ("Learn", "原理"),
    "tab_checkpoints": ("Checkpoints", "检查点"),
    # questions
    "questions": ("Questions", "问题"),
    "preset_rote": ("Perplexity 1.0: learned, or learned by rote?", "困惑度 1.0：学会了，还是背下来了？"),
    "preset_general": ("The same 10,000 characters, without rote", "同样一万个字符，不靠死记硬背"),
    "preset_ten": ("Ten layers: plain or residual?", "十层：直接堆叠还是残差？"),
    "preset_ladder": ("One, two, four, ten layers", "一、二、四、十层"),
    "preset_cells": ("Which recurrent cell?", "哪种循环单元？"),
    "preset_data": ("What does more text buy?", "更多文本带来什么？"),
    "preset_authors": ("One author or five?", "一位作者还是五位？"),
    "preset_mistake": ("Two layers that share one set of weights", "两层共用一套权重"),
    "preset_best": ("The best there are", "最好的模型"),
    "preset_chinese": ("Chinese: Journey to the West", "中文：《西游记》"),
    "verdict_rote": (
        "Three models reach a training perplexity of about 1.0 and recite the book: what is marked stands in it word "
        "for word. On its last tenth, which they never saw, they come to {a[heldout]}, {b[heldout]} and {c[heldout]}: "
        "worse than guessing among {a[guess]} symbols. The ten plain layers, {d[train]} and {d[heldout]} after 100 of "
        "the note's 500 epochs, learned nothing but how often each letter occurs.",
        "三个模型的训练困惑度都降到 1.0 左右，写出来的其实是在背书：标出的部分与原书一字不差。书末十分之一它们从没见过"
        "，困惑度是 {a[heldout]}、{b[heldout]} 和 {c[heldout]}，比在 {a[guess]} 个符号里均匀猜测还差。直接堆叠的十层只"
        "训练了原笔记 500 个迭代周期中的 100 个（训练 {d[train]}，留出文本 {d[heldout]}），除了字母出现的频率，什么也"
        "没学到。",
    ),
    "verdict_general": (
        "Both were trained on the same 10,000 characters. On them the note's recipe comes to {a[train]}, few-lstm-2 "
        "only to {b[train]}; on held-out text it is {a[heldout]} and {b[heldout]}. The two differ in several things: "
        "residual connections with LayerNorm, an embedding, dropout, weight drop, AdamW, the best weights kept. "
        "few-lstm-2 sounds less like the book and copies next to none of it.",
        "两者都只用同样的一万个字符训练。在这些字符上，原笔记的做法达到 {a[train]}，few-lstm-2 停在 {b[train]}；在留出"
        "文本上则是 {a[heldout]} 和 {b[heldout]}。两者有多处不同：带 LayerNorm 的残差连接、嵌入层、暂退法、权重丢弃、"
        "AdamW、保留最好的权重。few-lstm-2 写得没那么像原书，也几乎不照抄。",
    ),
    "verdict_ten": (
        "Ten plain LSTM layers stay at {a[train]} after 100 of the note's 500 epochs: letter frequencies. Ten "
        "residual ones reach {b[train]} on the same text, and {b[heldout]} on held-out text, as they learn it by "
        "heart. They differ in more than the residual connections: LayerNorm, an embedding, AdamW, an orthogonal "
        "start.",
        "直接堆叠的十层 LSTM 训练了原笔记 500 个迭代周期中的 100 个，停在 {a[train]}：只学到字母频率。十层残差网络在同"
        "一文本上达到 {b[train]}，但也是背下来的：留出文本上是 {b[heldout]}。两者不只差在残差连接，还有 LayerNorm、嵌"
        "入层、AdamW 和正交初始化。",
    ),
    "verdict_ten_parameters": (
        "The whole book, equal parameters. Plain, ten LSTM layers end at {a[heldout]} on held-out text and ten tanh "
        "layers at {c[heldout]}; residual, with LayerNorm, at {b[heldout]} and {d[heldout]}.",
        "用全书训练，参数量相同。直接堆叠时，留出文本上十层 LSTM 是 {a[heldout]}，十层 tanh RNN 是 {c[heldout]}；加上"
        "残差连接和 LayerNorm 后，分别是 {b[heldout]} 和 {d[heldout]}。",
    ),
    "verdict_ladder": (
        "Residual GRU stacks of about as many parameters, trained alike. On held-out text: one layer {a[heldout]}, "
        "two {b[heldout]}, four {c[heldout]}, ten {d[heldout]}.",
        "参数量相近、训练方式相同的残差 GRU。留出文本上：一层 {a[heldout]}，两层 {b[heldout]}，四层 {c[heldout]}，十层"
        " {d[heldout]}。",
    ),
    "verdict_ladder_found": (
        " That is at a learning rate of {was}. The best number of layers at {rate}: {fast}; at equal width instead of "
        "equal parameters: {wide}.",
        "这是学习率 {was} 时的结果。学习率 {rate} 时的最佳层数（括号里是困惑度）：{fast}；若不固定参数量而固定宽度："
        "{wide}。",
    ),
    "verdict_cells": (
        "Two residual layers, about half a million parameters each, ten passes over the book. On held-out text: "
        "{each}.",
        "两层残差网络，各约五十万个参数，全书读十遍。留出文本上：{each}。",
    ),
    "verdict_cells_width": (
        "Two residual layers of 128 units, so that more gates mean more parameters; ten passes over the book. On "
        "held-out text: {each}.",
        "两层残差网络，每层 128 个单元，门越多参数越多；全书读十遍。留出文本上：{each}。",
    ),
    "verdict_cells_time": (
        "Two residual layers, about half a million parameters each, as many passes over the book as about the same "
        "time on one core allows. On held-out text, with the seconds of training in brackets: {timed}.",
        "两层残差网络，各约五十万个参数；在单个核心上训练大致相同的时间，全书能读几遍就读几遍。留出文本上（括号里是训"
        "练秒数）：{timed}。",
    ),
    "verdict_data": (
        "The same held-out text for all. Trained on 10,000 characters: {a[heldout]}; on the book: {b[heldout]}; on "
        "eight books of its author: {c[heldout]}; the last is a larger network on the same eight books: {d[heldout]}. "
        "More text leaves less to learn by rote. One seed each.",
        "留出文本都相同。一万个字符：{a[heldout]}；整本书：{b[heldout]}；同一作者的八本书：{c[heldout]}；最后一个是用"
        "同样八本书训练的更大的网络：{d[heldout]}。文本越多，能死记的就越少。各只有一个随机种子。",
    ),
    "verdict_authors": (
        "Each was trained on as many characters in all. On its own author's held-out text the model of Wells comes to "
        "{a[heldout]} and that of Austen to {b[heldout]}. One model of five authors, given a fifth as much of each, "
        "reaches {c[heldout]} on Wells and {c[elsewhere][pride_and_prejudice]} on Austen.",
        "训练字符总数都相同。在自己作者的留出文本上，威尔斯的模型是 {a[heldout]}，奥斯汀的是 {b[heldout]}。五位作者合"
        "用一个模型、每位只读五分之一时，威尔斯是 {c[heldout]}，奥斯汀是 {c[elsewhere][pride_and_prejudice]}。",
    ),
    "verdict_authors_found": (
        " Over all five authors the shared model is {shared_mean}% worse than their own models on average ("
        "{shared_low}% to {shared_high}%): it has read less of each, and it shares its weights; the two are not told "
        "apart here.",
        "五位平均，合用的模型比各自的专用模型差 {shared_mean}%（{shared_low}% 到 {shared_high}%）：它对每位都读得更少"
        "，又要共用权重，这里没有把两者分开。",
    ),
    "verdict_mistake": (
        "Right: each layer has weights and a state of its own: {a[train]} in training. Wrong: one set of weights, one "
        "state, returned as it came. The output never sees the input, and training ends at letter frequencies, "
        "{b[train]}.",
        "正确：每层有自己的权重和状态，训练困惑度 {a[train]}。错误：共用一套权重和一个状态，状态又原样返回。输出根本看"
        "不到输入，训练只能停在字母频率的水平：{b[train]}。",
    ),
    "verdict_best": (
        "On held-out text: {a[heldout]} for the end of The Time Machine after eight books of Wells, {b[heldout]} for "
        "the last tenth of tiny Shakespeare. Different texts: not to be ranked.",
        "留出文本上：读了威尔斯八本书之后，《时间机器》末尾是 {a[heldout]}；《莎士比亚戏剧选》（tiny Shakespeare）最后"
        "十分之一是 {b[heldout]}。文本不同，不能排名。",
    ),
    "verdict_chinese": (
        "The same network on Chinese, among {a[guess]} symbols: {a[train]} in training, {a[heldout]} on held-out text.",
        "同样的网络用在中文上，共 {a[guess]} 个符号：训练 {a[train]}，留出文本 {a[heldout]}。",
    ),
    "equal": ("Compare at equal", "固定哪一项来比较"),
    "equal_recipe": ("recipe", "原笔记的做法"),
    "equal_width": ("width", "宽度"),
    "equal_parameters": ("parameters", "参数量"),
    "equal_time": ("training time", "训练时间"),
    "filters": ("Shorten the list", "筛选列表"),
    "filter_cell": ("Cell", "单元"),
    "filter_depth": ("Layers", "层数"),
    "filter_text": ("Text", "文本"),
    "filter_wiring": ("Wiring", "连接"),
    "any": ("any", "不限"),
    "plain": ("plain", "直接堆叠"),
    "wrong_short": ("shared (wrong)", "共用（错误）"),
    "and_more": ("{text} and others, {n} in all", "{text}等 {n} 部"),
    "prompt": ("Prompt", "开头"),
    "models": ("Models (up to {most})", "模型（最多 {most} 个）"),
    "remove": ("Remove {name}", "移除 {name}"),
    "remove_all": ("Remove all", "全部移除"),
    "more_views": ("More views", "更多视图"),
    "foot": ("Foot of the page", "页脚"),
    "temperature": ("Temperature", "温度"),
    "temperature_hint": (
        "0: always the likeliest; 1: the model's own odds.",
        "0：总选概率最大的字符；1：按模型给出的概率抽样。",
    ),
    "length": ("Length", "长度"),
    "seed": ("Seed", "随机种子"),
    "generate": ("Generate", "生成"),
    "stop": ("Stop", "停止"),
    "continue": ("Continue", "续写"),
    "more": ("Top-k and top-p", "Top-k 与 top-p"),
    "top_k": ("Top-k (0: all)", "Top-k（0：全部）"),
    "top_p": ("Top-p (1: all)", "Top-p（1：全部）"),
    "show": ("Show", "显示"),
    "lens_plain": ("plain", "原文"),
    "lens_surprise": ("surprise", "惊讶度"),
    "lens_copied": ("copied from the book", "照抄原书"),
    "copied_hint": ("20 or more characters, word for word", "连续 20 个及以上字符与原文一致"),
    "copy_link": ("Copy link", "复制链接"),
    "link_copied": ("Copied", "已复制"),
    "export": ("Save", "保存"),
    "open_file": ("Open", "打开"),
    "close": ("Close", "关闭"),
    "letters": (
        "Click a character to see what could have stood there. Arrow keys move, Enter shows it.",
        "点一个字符，看那里还可能是什么。方向键移动，回车键查看。",
    ),
    "next_title": ("What comes next after", "以下文字之后可能出现什么："),
    "next_branch": ("Choose a character, and every model goes on from there.", "选一个字符，各模型就从那里续写。"),
    "seen": ("What you are seeing.", "你看到的是："),
    "no_models": ("Choose a question or a model.", "请选一个问题或模型。"),
    "place": ("{text}, {percent} in", "{text}的 {percent} 处"),
    "rote": (
        "{share} copied; the longest run has {longest} characters: {place}",
        "照抄 {share}；最长的一段有 {longest} 个字符：{place}",
    ),
    "rote_none": ("No run of 20 characters is copied.", "没有连续照抄 20 个及以上字符。"),
    "rote_unknown": ("Its training text has no fingerprint here.", "这里没有它训练文本的指纹。"),
    "repetition": ("repeats itself {share}", "自我重复 {share}"),
    "distinct": ("distinct word pairs {share}", "不重复的词对（中文为字对）{share}"),
    "words": ("words of its text {share}", "属于训练文本的词 {share}"),
    "keys": (
        "Ctrl/⌘ + Enter generates, Esc stops. Click a character to see what else could stand there.",
        "Ctrl/⌘ + 回车键生成，Esc 键停止。点一个字符，看那里还可能是什么。",
    ),
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
    "parameters": ("{n} parameters", "约 {n}个参数"),
    "trained_on": ("{text}, {chars} characters", "{text}，{chars} 个字符"),
    "train": ("train", "训练"),
    "heldout": ("held-out", "留出文本"),
    "guessing": ("guessing", "均匀猜测"),
    "perplexities": (
        "Perplexity per character, log scale. Train {train}, held-out {heldout}, guessing all symbols alike {guess}.",
        "每字符困惑度（对数刻度）。训练 {train}，留出文本 {heldout}，在所有符号中均匀猜测 {guess}。",
    ),
    "reading_rote": (
        "Knows its training text by heart. On held-out text it does worse than guessing all {guess} symbols alike.",
        "训练文本背得烂熟；在留出文本上，比在 {guess} 个符号中均匀猜测还差。",
    ),
    "reading_flat": (
        "Learned little more than how often each letter occurs.",
        "除了各字母出现的频率，几乎什么也没学到。",
    ),
    "reading_overfit": (
        "Predicts its training text far better than held-out text.",
        "对训练文本的预测远好于对留出文本的预测。",
    ),
    "reading_general": (
        "Predicts held-out text about as well as its training text.",
        "对留出文本的预测与对训练文本的预测相差不多。",
    ),
    "reading_less": (
        "Predicts held-out text less well than its training text.",
        "对留出文本的预测不如对训练文本的预测。",
    ),
    "recorded_after": ("recorded after “{prompt}”, seed {seed}", "预先生成，开头是“{prompt}”，种子 {seed}"),
    "recorded": ("recorded, seed {seed}", "预先生成，种子 {seed}"),
    "speed": ("{n} characters/s", "{n} 字符/秒"),
    "writing": ("writing", "生成中"),
    "finished": ("finished", "完成"),
    "stopped": ("stopped", "已停止"),
    "waiting": ("press Generate", "请点“生成”"),
    "unread": ("{n} characters of the prompt are outside its alphabet", "开头有 {n} 个字符不在它的词表里"),
    "note_forms": (
        "Models of the form d2l read letters (as lower case) and spaces, as the note prepared the book; every other "
        "character is unknown to them.",
        "d2l 形式的模型只认字母（一律当小写）和空格，与原笔记对书的处理一致；其他字符对它们都是未知字符。",
    ),
    "measure": (
        "Perplexity per character. Train: the text it was trained on (the first 50,000 characters, of its first "
        "text), read as in training. Held-out: the end of its book, never trained on, read as one text.",
        "每字符困惑度。训练：它的训练文本（只取第一部的前 50,000 个字符），按训练时的读法读。留出文本：书末从未用于训"
        "练的一段，从头连续读完。",
    ),
    # score
    "col_model": ("Model", "模型"),
    "col_ppl": ("Perplexity", "困惑度"),
    "col_bpc": ("Bits per character", "每字符比特数"),
    "col_nats": ("Nats per character", "每字符奈特数"),
    "col_unknown": ("Unknown", "未知字符"),
    "col_guess": ("Guessing", "均匀猜测"),
    "heat": ("Surprise at each character", "每个字符的惊讶度"),
    "heat_scale": ("expected", "意料之中"),
    "heat_scale_high": ("surprising", "出乎意料"),
    "heat_unknown": ("outside the alphabet", "不在词表内"),
    "heat_hint": (
        "Move over a character, or click it, to see how probable each model found it.",
        "把鼠标移到字符上，或点一下，看各模型认为它有多大可能。",
    ),
    "heat_row": ("{title}: {p} ({surprise} nats)", "{title}：{p}（{surprise} 奈特）"),
    "row_mean": ("Average of the {n} models of this alphabet", "这个词表的 {n} 个模型取平均"),
    "row_ngram": ("{n}-gram of {text}, {chars} characters", "{text}的 {n} 元语法，{chars} 个字符"),
    "row_uniform": ("Guessing among {n} symbols", "在 {n} 个符号中均匀猜测"),
    "mode_one": ("One model", "单个模型"),
    "mode_two": ("A minus B", "A 减 B"),
    "two_a": ("A", "A"),
    "two_b": ("B", "B"),
    "two_more": ("A is more surprised", "A 的惊讶度更高"),
    "two_less": ("B is more surprised", "B 的惊讶度更高"),
    "running": ("Perplexity of the text so far", "读到此处为止的困惑度"),
    "running_axis": ("characters read", "已读字符数"),
    "real_train": ("Real: from the training text", "书中原文：训练部分"),
    "real_heldout": ("Real: held out from it", "书中原文：留出部分"),
    "real_other": ("Real: another author", "书中原文：另一位作者"),
    "example_chinese": ("Chinese, newly written", "新写的中文"),
    "heat_first": ("The first character is context and is not predicted.", "第一个字符是上文，不作预测。"),
    "forms_differ": (
        "These models read different texts or different forms of a text: their perplexities are not to be ranked "
        "together.",
        "这些模型读的文本或文本形式不同，困惑度不能放在一起排名。",
    ),
    "alphabets_unknown": (
        "All have the same held-out text: of its {chars} characters, {unknown} at most ({share}) are unknown to one of "
        "these models. Their alphabets differ by {n} characters.",
        "留出文本是同一段，共 {chars} 个字符，其中某个模型不认识的最多 {unknown} 个（{share}）。各模型的词表相差 {n} 个"
        "字符。",
    ),
    "alphabets_known": (
        "All have the same held-out text, and every model knows all its {chars} characters. Their alphabets differ by "
        "{n} others.",
        "留出文本是同一段，共 {chars} 个字符，每个模型都认识。各模型的词表相差 {n} 个别的字符。",
    ),
    "alphabets_differ": (
        "All have the same held-out text. Their alphabets differ by {n} characters; a model pays for one that it does "
        "not know as for any unknown character.",
        "留出文本是同一段。各模型的词表相差 {n} 个字符；模型不认识的，按未知字符计价。",
    ),
    "unknown_counted": (
        "Unknown characters are counted in the perplexity, at the price the model puts on its unknown symbol.",
        "未知字符也计入困惑度，按模型给“未知符号”的概率计价。",
    ),
    "ngram_broken": (
        "The row of an n-gram is missing: {file}, beside the checkpoints, cannot be read; the server's log says why. "
        "Take the file from a fresh checkout.",
        "缺少 n 元语法的一行：检查点旁边的 {file} 无法读取，原因见服务器日志。请从新检出的代码里取回这个文件。",
    ),
    "score_empty": ("Scores appear here.", "打分结果会显示在这里。"),
    "score_stale": (
        "These scores are from before you changed the text or the models. Press Score again.",
        "这些是改动之前的文本和模型的结果。再点一次“打分”即可更新。",
    ),
    # experiments
    "exp_intro": (
        "Every figure and every sentence here is computed from `checkpoints/results.json`, which keeps the runs that "
        "were gathered, failed ones among them. Perplexity is per character; on the log scales equal distances are "
        "equal differences in nats.",
        "这里的每张图、每句话都由 `checkpoints/results.json` 算出；该文件收录了汇总过的训练，失败的也在内。困惑度按字"
        "符计；对数坐标上距离相等，就是奈特数之差相等。",
    ),
    "results_broken": (
        "{file}, which stands beside the checkpoints, cannot be read, so what needs it is left out; the server's log "
        "says why. Take the file from a fresh checkout, or remove it and write it again by "
        "python train.py --gather FOLDER.",
        "检查点旁边的 {file} 无法读取，需要它的内容没有列出；原因见服务器日志。请从新检出的代码里取回这个文件，或者删掉"
        "它，再用 python train.py --gather FOLDER 重新生成。",
    ),
    "results_lack": (
        "{file} lacks runs, so this is not answered, or not in full: {missing}. Take the file from a fresh checkout, "
        "or train the models and add them by python train.py --gather runs.",
        "{file} 里缺少一些训练，以下问题没有答案，或答案不全：{missing}。请从新检出的代码里取回这个文件，或者训练这些模"
        "型，再用 python train.py --gather runs 加进去。",
    ),
    "learn_mistake_short": ("the classic mistake", "常见的错误"),
    "learn_ppl_short": ("perplexity 1.0", "困惑度 1.0"),
    "exp_empty": ("No results stand beside these checkpoints.", "这些检查点旁边没有实验结果。"),
    "exp_scratch": ("Two layers from scratch", "从零实现两层"),
    "exp_scratch_asked": (
        "What does a two-layer RNN need that one layer does not? A set of weights and a state for each layer.",
        "两层 RNN 比一层多需要什么？每层要有自己的一套权重和一个状态。",
    ),
    "exp_scratch_method": (
        "The note's own recipe: The Time Machine in {symbols} symbols, its first {chars} characters, batches of "
        "{batch} × {window}, SGD with learning rate {rate} and clipping at {clip}, {epochs} epochs; held out is the "
        "last tenth of the book. The wrong version has one set of weights and one state for both layers; the state "
        "comes back as it went in. It only runs with an embedding as wide as the layer. The kinder wrong version "
        "(shared-updated) returns the upper layer's state: it is another model, and it hides the mistake well.",
        "按原笔记的做法：《时间机器》化为 {symbols} 个符号，取前 {chars} 个字符，批量 {batch} × {window}，SGD 学习率 "
        "{rate}、梯度裁剪 {clip}，{epochs} 个迭代周期；留出全书最后十分之一。错误版两层共用一套权重和一个状态，状态原"
        "样返回；要让它跑起来，还得有与层同宽的嵌入层。较温和的错误版（shared-updated）会返回顶层的状态：那是另一个模"
        "型，也把错误藏得很好。",
    ),
    "exp_gru": ("GRU for LSTM", "用 GRU 换 LSTM"),
    "exp_gru_asked": (
        "What happens to perplexity and speed? That depends on what is held equal.",
        "困惑度和速度会怎样？取决于固定哪一项来比较。",
    ),
    "exp_gru_method": (
        "Two layers on The Time Machine (case, punctuation and line breaks kept), split 90/5/5, AdamW, {epochs} "
        "epochs, dropout {dropout}; a filled dot is held-out text (the test part), a ring the training text. Equal "
        "parameters: about {params}; equal width: {width} units; equal time: as many epochs as fit into about 100 "
        "seconds of one quiet core (90 to 234 s were measured on shared machines, some of them with fused bfloat16). "
        "Speed is characters a second in training. The note's own runs are in the second figure.",
        "两层，《时间机器》（保留大小写、标点和换行），按 90/5/5 切分，AdamW，{epochs} 个迭代周期，暂退法 {dropout}；"
        "实心点是留出文本（测试部分），圆圈是训练文本。参数量相同：约 {params}；宽度相同：{width} 个单元；时间相同：一"
        "个空闲核心约 100 秒内能跑完的迭代周期数（在共用的机器上实测 90 到 234 秒，其中一些机器能融合计算 bfloat16）。"
        "速度是训练时每秒的字符数。原笔记的训练见第二张图。",
    ),
    "exp_rote": ("Perplexity 1.0", "困惑度 1.0"),
    "exp_rote_asked": (
        "How low can it go, and what does 1.0 mean? Look at the held-out lines while the training lines fall.",
        "最低能到多少，1.0 意味着什么？训练曲线下降时，看看留出文本的曲线。",
    ),
    "exp_rote_method": (
        "The note's three two-layer models as written, beside few-lstm-2: {layers} LSTM layers of {units} units on "
        "the same {limit} characters with residual connections, LayerNorm, dropout {dropout}, weight drop "
        "{weight_drop} and AdamW, stopped at its best on a validation part of its own and then read on the last tenth "
        "of the book.",
        "原笔记的三个两层模型，旁边是 few-lstm-2：{layers} 层 LSTM、每层 {units} 个单元、同样的 {limit} 个字符，加上残"
        "差连接、LayerNorm、暂退法 {dropout}、权重丢弃 {weight_drop} 和 AdamW；在单独的验证部分上取最好的时刻，再在全"
        "书最后十分之一上读数。",
    ),
    "exp_data": ("More data", "更多数据"),
    "exp_data_asked": (
        "How much does more text buy, for the same model and the same held-out text?",
        "同一个模型、同一段留出文本，更多文本能带来多少？",
    ),
    "exp_data_method": (
        "A residual GRU of {layers} layers and {units} units reads about as many characters in every run: the same "
        "few again and again, or more of them less often. The held-out text is always the last 5% of The Time "
        "Machine; the best weights on the way are kept. The 6-gram saw the same training text.",
        "每次都让一个 {layers} 层、{units} 单元的残差 GRU 读差不多同样多的字符：反复读同样的少量文本，或每段少读几遍、"
        "多读几种。留出文本始终是《时间机器》最后 5%；保留途中最好的权重。6 元语法用的是同样的训练文本。",
    ),
    "exp_authors": ("Merging authors", "合并作者"),
    "exp_authors_asked": (
        "Can one model learn from several authors? For: it reads all of them. Against: it reads each a little worse.",
        "可以把几位作者合在一起训练吗？好处：每位都能读；坏处：每位都读得差一点。",
    ),
    "exp_authors_method": (
        "Every model is the same residual GRU ({layers} layers, {units} units) and was trained on {chars} characters: "
        "of one author, or of five in equal shares. Each is scored on a held-out part of every author. The frame "
        "marks an author's own model. Beginning each text with a symbol for its author changed the shared model's "
        "figures by less than 1% (one seed; no longer shipped).",
        "每个模型都是同样的残差 GRU（{layers} 层，{units} 单元），训练文本都是 {chars} 个字符：一位作者的，或五位各占"
        "五分之一。每个模型都在每位作者的留出部分上打分。框线标出作者自己的模型。在每段文本前加一个代表作者的符号，合"
        "用模型的数字变化不到 1%（一个种子；该模型已不再提供）。",
    ),
    "exp_depth": ("Depth", "深度"),
    "exp_depth_asked": (
        "What do more layers buy, and why do ten plain ones learn next to nothing?",
        "更多的层能带来什么，为什么直接堆叠十层几乎什么也学不到？",
    ),
    "exp_depth_method": (
        "As in GRU for LSTM: at equal parameters (about {params}, so deeper stacks are narrower) or equal width "
        "({width} units). A residual layer adds to what it reads: H + Dropout(cell(LayerNorm(H))). Beside it: the "
        "note's ten layers (100 of its 500 epochs), two layers, and ten residual ones, which also have LayerNorm, an "
        "embedding, an orthogonal start and AdamW.",
        "设置同“用 GRU 换 LSTM”：参数量相同（约 {params}，越深越窄）或宽度相同（{width} 个单元）。残差层在读入之上做加"
        "法：H + Dropout(cell(LayerNorm(H)))。旁边的图：原笔记的十层（只训练了 500 个迭代周期中的 100 个）、两层，以及"
        "十层残差（另有 LayerNorm、嵌入层、正交初始化和 AdamW）。",
    ),
    "exp_label_table": ("Table", "表格"),
    "exp_label_method": ("How it was measured", "如何测得"),
    "exp_label_see": ("See these models write →", "看这些模型续写 →"),
    "exp_label_svg": ("SVG", "SVG"),
    "exp_label_png": ("PNG", "PNG"),
    "exp_label_csv": ("CSV", "CSV"),
    "exp_label_readout": ("Move over the figure or touch it to read it.", "在图上移动鼠标或触摸屏幕即可读数。"),
    "exp_label_interval": (
        "± is a 95% t-interval over seeds; a figure without one is of a single seed.",
        "± 是对随机种子的 95% t 区间；没有 ± 的只有一个种子。",
    ),
    "figure_residual": ("residual alone", "只看残差"),
    "figure_rate": ("residual, learning rate {rate}", "残差，学习率 {rate}"),
    "figure_equal": ("equal {what}", "{what}相同"),
    "axis_layers": ("layers", "层数"),
    "axis_epochs": ("epochs", "迭代周期"),
    "axis_chars": ("characters read", "读过的字符"),
    "axis_seconds": ("seconds", "秒"),
    "axis_text": ("characters of text", "文本字符数"),
    "axis_ppl": ("perplexity", "困惑度"),
    "axis_trained": ("trained on ↓", "训练文本 ↓"),
    "axis_read": ("reads →", "被读的文本 →"),
    "part_train": ("train", "训练"),
    "part_heldout": ("held-out", "留出文本"),
    "head_run": ("Run", "训练任务"),
    "head_model": ("Model", "模型"),
    "head_parameters": ("Parameters", "参数量"),
    "head_train": ("Train", "训练困惑度"),
    "head_heldout": ("Held-out", "留出文本困惑度"),
    "head_lowest": ("Lowest held-out (epoch)", "最低留出困惑度（迭代周期）"),
    "head_seconds": ("Seconds", "秒"),
    "head_speed": ("Characters/s", "字符/秒"),
    "head_seeds": ("Seeds", "种子数"),
    "head_epochs": ("Epochs", "迭代周期"),
    "rule_uniform": ("guessing: {n}", "均匀猜测：{n}"),
    "figure_curves": ("as they learned", "学习过程"),
    "figure_data": ("more text", "更多文本"),
    "figure_author": ("beside each author's own model, equal text", "与作者自己的模型相比，文本等量"),
    "figure_shelf": ("all the text there is", "全部文本"),
    "data_train": ("train", "训练"),
    "data_heldout": ("held-out, best weights", "留出文本，最好的权重"),
    "data_end": ("held-out, at the end", "留出文本，训练结束时"),
    "data_ngram": ("held-out, 6-gram", "留出文本，6 元语法"),
    "author_wells": ("Wells", "威尔斯"),
    "author_austen": ("Austen", "奥斯汀"),
    "author_doyle": ("Doyle", "柯南·道尔"),
    "author_dickens": ("Dickens", "狄更斯"),
    "author_melville": ("Melville", "梅尔维尔"),
    "author_five": ("all five", "五位合并"),
    "author_five_marked": ("five, marked", "五位加标记"),
    "author_cross_domain": ("Wells + essays", "威尔斯加论著"),
    # inside
    "in_intro": (
        "What each layer does while a model reads a text. Every sentence below a picture is made from its numbers. "
        "Layers stand as in the network: the input below, the output above.",
        "模型读一段文本时，每一层在做什么。图下的每句话都由图中的数字生成。各层的位置与网络一致：输入在下，输出在上。",
    ),
    "in_text": ("Text", "文本"),
    "in_text_hint": ("{least} to {most} characters", "{least} 到 {most} 个字符"),
    "in_first": ("Model", "模型"),
    "in_second": ("Beside it", "对照"),
    "in_none": ("no second model", "不对照"),
    "in_look": ("Look inside", "查看内部"),
    "in_empty": ("The pictures appear here.", "图会显示在这里。"),
    "in_hint": (
        "Move over a character, or use ← and →, to read across the layers.",
        "移到某个字符上，或用 ← 和 →，逐层读数。",
    ),
    "in_layer": ("layer {n}", "第 {n} 层"),
    "in_embedding": ("embedding", "嵌入层"),
    "in_change": ("change", "变化"),
    "in_gate_r": ("reset gate r", "重置门 r"),
    "in_gate_z": ("update gate z", "更新门 z"),
    "in_gate_f": ("forget gate f", "遗忘门 f"),
    "in_gate_i": ("input gate i", "输入门 i"),
    "in_gate_o": ("output gate o", "输出门 o"),
    "in_units": ("units of a layer", "一层的单元"),
    "in_state_title": ("Layers over time", "各层随时间的变化"),
    "in_lens_title": ("What it could say already (logit lens, approximate)", "各层已经能预测什么（logit lens，近似）"),
    "in_echo_title": ("How long each layer remembers a changed character", "各层能记住多久（改动一个字符的影响）"),
    "in_without_title": ("Without a layer", "去掉一层"),
    "in_gradients_title": ("How far gradients reach", "梯度能传多远"),
    "in_axis_distance": ("characters later →", "之后的字符数 →"),
    "in_axis_back": ("characters back →", "往回的字符数 →"),
    "in_axis_ppl": ("perplexity of this text", "这段文本的困惑度"),
    "in_col_layer": ("Layer", "层"),
    "in_col_says": ("would say", "预测"),
    "in_col_p": ("p", "概率"),
    "in_col_nats": ("surprise (nats)", "惊讶度（奈特）"),
    "in_next": ("after {prefix} comes {char}", "{prefix}之后是 {char}"),
    "in_say_change_one": (
        "From one character to the next the state moves by {a}% of its size.",
        "每读一个字符，状态改变自身大小的 {a}%。",
    ),
    "in_say_change": (
        "From one character to the next, layer {high} moves by {a}% of its size, the most of all, and layer {low} by "
        "{b}%, the least.",
        "每读一个字符，第 {high} 层的状态改变自身大小的 {a}%，最多；第 {low} 层改变 {b}%，最少。",
    ),
    "in_say_change_even": (
        "From one character to the next, every one of the {n} layers moves by {a}% of its size.",
        "每读一个字符，{n} 层的状态都改变自身大小的 {a}%。",
    ),
    "in_say_keep_even": (
        "On average its gates keep {a}% of the old state in every one of the {n} layers.",
        "门平均保留旧状态的 {a}%，{n} 层都一样。",
    ),
    "in_say_echo_even": (
        "One changed character is still felt (1/e of its largest effect) for {a} characters in every one of the {n} "
        "layers.",
        "改动一个字符，其影响（以降到最大值的 1/e 为止计）在 {n} 层中都持续 {a} 个字符。",
    ),
    "in_say_without_even": (
        "Perplexity on this text is {whole}. Without any one layer, whether layer {high} or layer {low}, it comes to "
        "{a}.",
        "这段文本的困惑度是 {whole}。去掉任何一层（如第 {high} 层或第 {low} 层），都变成 {a}。",
    ),
    "in_say_lens_plain": (
        "Only the top is read out, at a perplexity of {b}: in a plain stack the layers below share no basis with the "
        "output layer, so what it would make of them means nothing.",
        "只在顶层读出，困惑度 {b}：直接堆叠时，下面各层与输出层没有共同的基，直接从那里读出没有意义。",
    ),
    "in_say_keep": (
        "On average its gates keep {a}% of the old state in layer {high} and {b}% in layer {low}, the most and the "
        "least.",
        "门平均保留旧状态的比例：第 {high} 层 {a}%，最多；第 {low} 层 {b}%，最少。",
    ),
    "in_say_keep_one": (
        "On average its gate keeps {a}% of the old state.",
        "门平均保留旧状态的 {a}%。",
    ),
    "in_say_keep_none": (
        "A tanh layer has no gate: it writes its whole state anew at every character.",
        "tanh 层没有门：每个字符都重写整个状态。",
    ),
    "in_say_echo": (
        "One changed character is still felt (1/e of its largest effect) for {a} characters in layer {high}, and for "
        "{b} in layer {low}.",
        "改动一个字符，其影响（以降到最大值的 1/e 为止计）在第 {high} 层持续 {a} 个字符，在第 {low} 层持续 {b} 个。",
    ),
    "in_say_echo_one": (
        "One changed character is still felt (1/e of its largest effect) for {a} characters.",
        "改动一个字符，其影响（以降到最大值的 1/e 为止计）持续 {a} 个字符。",
    ),
    "in_say_without": (
        "Perplexity on this text is {whole}. It comes to {a} without layer {high}, the most needed, and to {b} "
        "without layer {low}, the least.",
        "这段文本的困惑度是 {whole}。去掉最要紧的第 {high} 层，变成 {a}；去掉最不要紧的第 {low} 层，变成 {b}。",
    ),
    "in_say_without_one": (
        "Perplexity on this text is {whole}. Without layer {high} it is {a}.",
        "这段文本的困惑度是 {whole}。去掉第 {high} 层，变成 {a}。",
    ),
    "in_say_without_none": (
        "Perplexity on this text is {whole}. Its one layer reads one-hot characters: nothing can be handed on without "
        "it.",
        "这段文本的困惑度是 {whole}。唯一的一层直接读独热编码的字符，去掉它就没有东西可传。",
    ),
    "in_without_residual": (
        "Exact: the residual stack without what that layer adds.",
        "精确：残差堆叠里少了这层所加的部分。",
    ),
    "in_without_plain": (
        "In a plain stack the layer's input is handed on in its place, which the layer above was never trained to "
        "read; above one-hot characters nothing can be handed on.",
        "直接堆叠时，把这层的输入原样交给后一层，而后一层从没学过读它；直接读独热编码字符的那一层则无法去掉。",
    ),
    "in_say_lens": (
        "Read out at {start}, the text would cost a perplexity of {a}; at the top it costs {b}. Layer {best} makes "
        "the largest step.",
        "若在{start}就读出，这段文本的困惑度会是 {a}；在顶层读出是 {b}。改进最大的是第 {best} 层。",
    ),
    "in_say_lens_one": (
        "There is one place to read out: the top, at a perplexity of {b}.",
        "只有一处可以读出：顶层，困惑度 {b}。",
    ),
    "in_say_gradients": (
        "At the character itself the gradient is {a} in the bottom layer and {b} in the top one; {distance} "
        "characters back it is {c} and {d}.",
        "在当前字符处，最底层的梯度是 {a}，顶层是 {b}；往回 {distance} 个字符，分别是 {c} 和 {d}。",
    ),
    "in_say_gradients_one": (
        "At the character itself the gradient is {a}; {distance} characters back it is {c}.",
        "在当前字符处，梯度是 {a}；往回 {distance} 个字符是 {c}。",
    ),
    "in_scale_change": (
        "faint: stands still; strong: moves by 1.5 times its size",
        "淡：不变；浓：改变自身大小的 1.5 倍",
    ),
    "in_scale_gate": ("faint: 0, shut; strong: 1, open (mean over the units)", "淡：0，关；浓：1，开（对单元取平均）"),
    "in_scale_units": (
        "orange: positive; blue: negative; strongest: the largest value of its own layer, so strengths are not to be "
        "compared between layers or models; the {n} units that vary most",
        "橙：正；蓝：负；最浓是本层的最大值，所以深浅不能在层与层、模型与模型之间比较；变化最大的 {n} 个单元",
    ),
    "in_scale_echo": (
        "strong: the largest effect of its own layer; faint: none; the mark: where it falls below 1/e of that",
        "浓：本层最大的影响；淡：没有；竖线：降到其 1/e 以下之处",
    ),
    "in_scale_gradients": (
        "log scale, one for all models shown: strongest is the largest norm, blank a millionth of it or less",
        "对数刻度，所示模型共用：最浓是最大的范数，空白是它的百万分之一或更小",
    ),
    "in_scale_lens": (
        "faint: sure of the right character; strong: 6 nats or more",
        "淡：对正确字符有把握；浓：6 奈特及以上",
    ),
    "status_never": ("(never learned)", "（没有学会）"),
    "status_diverged": ("(diverged)", "（发散）"),
    # learn
    "learn_stack": ("One cell of a deep RNN", "深度循环神经网络的一个单元"),
    "learn_stack_text": (
        "A recurrent layer reads one character at a time and keeps a state H: what it remembers. A deep RNN puts "
        "layers on top of each other, so that every cell has two inputs: its own layer's state one character ago, and "
        "the state of the layer below at the same character. The bottom layer reads the character itself, H⁽⁰⁾ = X, "
        "and only the top layer is read out to predict the next one. Touch a cell: its two inputs light up.",
        "循环层每次读一个字符，并保留一个隐状态 H，也就是它记得的东西。深度 RNN 把层叠起来，于是每个单元有两个输入：同"
        "一层在上一时间步的状态，和前一层（图中下面一层）在同一时间步的状态。最底层读字符本身，H⁽⁰⁾ = X；只有顶层用来"
        "预测下一个字符。点一个单元，它的两个输入就会亮起来。",
    ),
    "learn_right": ("plain", "直接堆叠"),
    "learn_residual": ("residual", "残差"),
    "learn_wrong": ("the classic mistake", "常见的错误"),
    "learn_right_note": (
        "Every layer has its own weights W and its own state. Information about a character reaches the output by "
        "going up; information about the past by going right.",
        "每层有自己的权重 W 和自己的状态。当前字符的信息向上走到输出，过去的信息向右走。",
    ),
    "learn_residual_note": (
        "S is the state of a layer: what its cell keeps, and what it adds. What the layer hands on, H, is what it was "
        "given plus S. Gradients can go down along the plus signs undiminished, so ten layers learn; LayerNorm keeps "
        "what a cell reads at one scale.",
        "S 是一层的状态，既是单元保留的，也是它添加的。每层交给后一层的 H，等于它读入的 H 加上 S。梯度可以沿着加号原样"
        "往回传，所以十层也训练得动；LayerNorm 让单元读入的数值保持同一尺度。",
    ),
    "learn_wrong_note": (
        "One set of weights, one state for all layers, and the state is returned as it came. Every cell still "
        "computes something, but nothing it computes is kept, and the output is read from a state that never saw a "
        "character.",
        "所有层共用一套权重和一个状态，而状态又原样返回。每个单元照样在算，但算出来的都没有留下；输出读的是从没见过任"
        "何字符的状态。",
    ),
    "learn_reads": (
        "{cell} reads {before} (its own layer, one character ago) and {below} (the layer below, now).",
        "{cell} 由两项算出：{before}（同一层，上一时间步）和 {below}（前一层，即图中下面一层，同一时间步）。",
    ),
    "learn_reads_first": (
        "{cell} reads {before} (the zero state every text begins with) and {below} (the layer below, now).",
        "{cell} 由两项算出：{before}（每段文本开始时的零状态）和 {below}（前一层，即图中下面一层，同一时间步）。",
    ),
    "learn_reads_wrong": (
        "{cell} reads {before} (the one state of all layers, never changed) and {below} (the layer below, now).",
        "{cell} 由两项算出：{before}（所有层共用、从不改变的状态）和 {below}（前一层，即图中下面一层，同一时间步）。",
    ),
    "learn_scratch": ("Two layers from scratch", "从零写两层"),
    "learn_scratch_text": (
        "The equation as code, in the notation of the book, complete and without a library's layers: each layer has "
        "its own weights and its own state, the second reads what the first has just computed, and only the second is "
        "read out. A test of this page runs these lines with the weights of note-rnn-2: they say what that model says.",
        "把公式写成代码，沿用书中的记号，不借用任何现成的层：每层有自己的权重和状态，第二层读第一层刚算出的状态，只有第二"
        "层接输出层。本页的测试把 note-rnn-2 的权重代入这几行代码，结果与该模型一致。",
    ),
    "learn_shape_name": ("Name", "记号"),
    "learn_shape_size": ("Shape in the note", "笔记中的形状"),
    "learn_shape_meaning": ("What it is", "含义"),
    "learn_shape_0": ("one character of each of 32 texts, one-hot", "32 段文本各取一个字符，独热编码"),
    "learn_shape_1": ("from the character to layer 1", "从字符到第 1 层"),
    "learn_shape_2": ("from layer 1 to layer 2: as wide as the layers", "从第 1 层到第 2 层：与层同宽"),
    "learn_shape_3": ("from each layer's state one character ago", "从各层上一时间步的状态"),
    "learn_shape_4": ("one bias a unit", "每个单元一个偏置"),
    "learn_shape_5": ("each layer's state: it keeps its shape", "各层的隐状态，形状不变"),
    "learn_shape_6": ("from layer 2 to the next character", "从第 2 层到下一个字符"),
    "learn_shape_7": ("one bias a character", "每个字符一个偏置"),
    "learn_code": ("Every cell and depth in code", "任意单元、任意层数的代码"),
    "learn_code_text": (
        "This is the definition of the models of this page, read from the package as it stands: one step of one layer, "
        "all steps of one layer, and the stack. What runs is faster and tested against it: training uses PyTorch's own "
        "kernels for the same equations where there are some, and texts are written by loops compiled for one "
        "character at a time. T is time, B the texts read side by side, H the units of a layer.",
        "下面是本页模型的定义，直接从软件包里读出：一层的一步，一层的所有步，以及整个堆叠。实际运行的是更快的实现，并经"
        "测试与它一致：训练时凡是 PyTorch 有现成内核的，就用它计算同样的方程；续写则用编译好的循环，逐个字符计算。T 是"
        "时间，B 是并排读的文本数，H 是一层的单元数。",
    ),
    "learn_cells": ("The cells", "各种单元"),
    "learn_cells_text": (
        "Only φ differs. A gate is a number between 0 and 1 for each unit that says how much passes: it lets a layer "
        "keep what it has instead of writing it anew at every character. A GRU has a reset gate R and an update gate "
        "Z, an LSTM a forget gate F, an input gate I and an output gate O. These are the equations as each cell's "
        "file states them: X_t (B, E) is what the layer reads, H_t (B, H) its state, W_x. (E, H), W_h. (H, H) and b "
        "(H) its parameters; * is unit by unit. In the code the W_x. stand side by side, transposed, as weight_ih, "
        "the W_h. as weight_hh, and where a gate reads both, its b is a sum of two. Two differences from the book: "
        "our GRU, as PyTorch's, applies the reset gate R after the product with W_hn (d2l before it), and the Z of "
        "minGRU lets the new value in, where that of the GRU keeps the old state.",
        "不同的只是 φ。门是每个单元上一个 0 到 1 之间的数，表示放行多少：有了门，一层就能留住已有的东西，不必每个字符"
        "都重写。GRU 有重置门 R 和更新门 Z，LSTM 有遗忘门 F、输入门 I 和输出门 O。以下方程取自各单元的源文件：X_t（B, "
        "E）是这一层的输入，H_t（B, H）是隐状态，W_x.（E, H）、W_h.（H, H）和 b（H）是参数，* 是按元素相乘。代码里各 "
        "W_x. 转置后并排放在 weight_ih 中，各 W_h. 在 weight_hh 中；两者都用的门，其 b 是两个偏置之和。与书上有两处不"
        "同：这里的 GRU 与 PyTorch 一样，重置门 R 作用在乘过 W_hn 之后（d2l 是之前）；minGRU 的更新门 Z 是放新值进来，"
        "而 GRU 的更新门 Z 是保留旧状态。",
    ),
    "learn_mistake": ("The classic mistake and what it costs", "常见的错误及其代价"),
    "learn_mistake_text": (
        "Left, two layers done right; right, the version that shares one set of weights and one state. As it was "
        "first written it does not run: it defines rnn_2 and passes rnn_deep (NameError), and on one-hot characters "
        "its second layer raises: mat1 and mat2 shapes cannot be multiplied (32x256 and 28x256). Given an embedding "
        "as wide as the layer it runs, and its loss falls, to {floor}: what one gets by knowing only how often each "
        "letter occurs. That is how such a mistake is noticed: by a number one knows beforehand.",
        "左边是正确的两层，右边是共用一套权重和一个状态的版本。最初的写法跑不起来：定义的是 rnn_2，传入的却是 "
        "rnn_deep（NameError）；输入独热编码时，第二层报错 mat1 and mat2 shapes cannot be multiplied (32x256 and "
        "28x256)。换成与层同宽的嵌入层就能运行，损失也会下降，降到 {floor}：也就是只知道每个字母出现频率时的水平。发现"
        "这种错误，靠的是事先知道这个数。",
    ),
    "learn_code_right": ("Each layer its own", "每层各有一套"),
    "learn_code_wrong": ("One for all", "全体共用一套"),
    "learn_ppl": ("Perplexity: how can it be {train} and {new} at once?", "困惑度：怎么会同时是 {train} 和 {new}？"),
    "learn_ppl_text": (
        "Before each character the model gives a probability p to what comes. Its surprise is -ln p nats; perplexity "
        "is e to the mean surprise, or 1 divided by the geometric mean of p. Certain and right at every character: 1. "
        "Guessing among {symbols} symbols: {symbols}. {name} ends at {train} on the text it was trained on: typically "
        "it gives {sure}% to the right character, so it knows that text by heart. On the last tenth of the same book "
        "it comes to {new}, worse than guessing. It is not ignorant there, it is certain and wrong: having learned "
        "that after these letters always comes that one, it leaves next to nothing for all others. Half of the "
        "characters right with certainty and half given one in {half} would make {new}. After {epoch} epochs it stood "
        "at {best} on that tenth; all that it learned later was the {chars} characters themselves.",
        "在每个字符之前，模型给将要出现的字符一个概率 p。它的惊讶度是 −ln p（单位：奈特）；困惑度是 e 的平均惊讶度次方"
        "，也就是 p 的几何平均的倒数。每个字符都确定且正确：1。在 {symbols} 个符号里均匀猜测：{symbols}。{name} 在训练"
        "文本上最后是 {train}：通常它给正确字符 {sure}% 的概率，那段文本它已经背下来了。在同一本书的最后十分之一上却是"
        " {new}，比均匀猜测还差。它在那里不是无知，而是错得很自信：既然学到这几个字母后面总是那一个，给其他字母留下的"
        "概率就几乎没有了。一半字符确定且正确、另一半只给 1/{half} 的概率，合起来正是 {new}。第 {epoch} 个迭代周期时它"
        "在那十分之一上是 {best}；那以后学到的，只是那 {chars} 个字符本身。",
    ),
    # checkpoints
    "ck_intro": (
        "All models of this page; three lines of Python load one. Click a column to sort by it, a name to see its "
        "card. Perplexities of different alphabets (d2l: 28 symbols) are not to be ranked together.",
        "本页的全部模型，三行 Python 即可加载。点列名排序，点模型名看模型卡。词表不同（d2l：28 个符号）的困惑度不能放"
        "在一起排名。",
    ),
    "ck_name": ("Name", "名称"),
    "ck_cell": ("Cell", "单元"),
    "ck_depth": ("Layers", "层数"),
    "ck_width": ("Width", "宽度"),
    "ck_wiring": ("Wiring", "连接"),
    "ck_parameters": ("Parameters", "参数量"),
    "ck_text": ("Text · form", "文本 · 形式"),
    "ck_train": ("Train", "训练"),
    "ck_heldout": ("Held-out", "留出文本"),
    "ck_size": ("File", "文件"),
    "ck_filter": ("Filter", "筛选"),
    "ck_none": ("No model has all these words.", "没有同时包含这些词的模型。"),
    "ck_left_out": (
        "Not listed, since they cannot be used:",
        "以下检查点无法使用，未列出；请重新下载或重新训练。每项后面是原因（英文）：",
    ),
    "ck_weights": ("Weights (.safetensors)", "权重（.safetensors）"),
    "ck_folder": ("Folder (.zip)", "整个文件夹（.zip）"),
    "ck_all": ("Download all (.zip)", "全部下载（.zip）"),
    "ck_sha": ("SHA-256 of the weights:", "权重的 SHA-256："),
    "ck_load": ("Unpack the folder into checkpoints/, then:", "把文件夹解压到 checkpoints/ 里，然后："),
    "ck_choose": ("Choose a name in the table.", "请在表中点一个名称。"),
    "ck_compare": ("Open in Compare", "在“续写对比”中打开"),
    "ck_copy": ("Copy the code", "复制代码"),
    "form_full": ("full", "完整"),
    "form_d2l": ("d2l", "d2l"),
    "ck_card_what": (
        "A character language model: {title}, {units} units in a layer; {count} weights, {symbols} symbols (form "
        "{form}), trained on {texts}.",
        "字符语言模型：{title}，每层 {units} 个单元；{count} 个权重，{symbols} 个符号（文本形式：{form}），训练文本："
        "{texts}。",
    ),
    "ck_card_head": (
        "Part | Characters | Perplexity | Bits per char. | Nats per char.",
        "部分 | 字符数 | 困惑度 | 每字符比特数 | 每字符奈特数",
    ),
    "ck_part_train": ("training text, read as in training", "训练文本，按训练时的读法"),
    "ck_part_train_carried": ("training text, read as one", "训练文本，从头连续读"),
    "ck_part_val": ("validation", "验证部分"),
    "ck_part_test": ("test", "测试部分"),
    "ck_part_cold_256": ("in windows of 256 from a zero state", "每 256 个字符从零状态读起"),
    "ck_card_note": (
        "Guessing all symbols alike would be a perplexity of {symbols}; knowing only how often each occurs, {unigram} "
        "on the validation part. The lowest validation perplexity on the way was {best}, at epoch {epoch}.",
        "在所有符号中均匀猜测，困惑度是 {symbols}；只知道每个符号出现的频率，在验证部分是 {unigram}。训练途中最低的验"
        "证困惑度是 {best}，在第 {epoch} 个迭代周期。",
    ),
    "ck_card_made": (
        "Trained by `{command}` in {seconds} s ({device}, threads: {threads}).",
        "用 `{command}` 训练，耗时 {seconds} 秒（{device}，线程数：{threads}）。",
    ),
    # a comparison as Markdown
    "md_settings": (
        "Seed {seed}, temperature {temperature}, top-k {top_k}, top-p {top_p}, length {max_chars}",
        "随机种子 {seed}，温度 {temperature}，top-k {top_k}，top-p {top_p}，长度 {max_chars}",
    ),
    "md_head": (
        "Model | Train perplexity | Held-out perplexity | Copied | Longest copy",
        "模型 | 训练困惑度 | 留出文本困惑度 | 照抄比例 | 最长的照抄（字符）",
    ),
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
    "error_too_often": (
        "More than {most} requests in a minute came from your address. Wait a minute, then try again.",
        "你的地址一分钟内发出了超过 {most} 个请求。请等一分钟再试。",
    ),
    "error_visits": (
        "This page was opened more than {most} times in a minute from your address. Wait a minute, then load it again.",
        "你的地址一分钟内打开本页超过 {most} 次。请等一分钟再刷新。",
    ),
    "error_queue": (
        "{most} requests are waiting already. Try again in a moment.",
        "已有 {most} 个请求在排队，请稍后再试。",
    ),
    "error_of_one": (
        "{most} requests from your address are waiting already. Try again in a moment.",
        "你的地址已有 {most} 个请求在排队，请稍后再试。",
    ),
    "error_upload": (
        "This server takes no files. Send the text itself.",
        "本服务器不接收文件，请直接发送文本。",
    ),
    "error_ending": (
        "The server is being stopped. Try again in a minute.",
        "服务器正在停止，请过一分钟再试。",
    ),
    "error_request": (
        "The server cannot answer this request. Reload the page. What programs must send is described under “Use via "
        "API” at the foot of the page.",
        "服务器无法回答这个请求。请刷新页面；程序应发送什么，见页脚的“通过 API 使用”。",
    ),
    "error_body": (
        "The request is larger than {most} bytes. Send less text, or fewer models at a time.",
        "请求超过了 {most} 字节。请减少文本，或一次少选几个模型。",
    ),
    "error_text_look": (
        "The text has {n} characters; give {least} to {most}.",
        "文本有 {n} 个字符，请给 {least} 到 {most} 个。",
    ),
    "error_text_one_symbol": (
        "To this model the whole text is one and the same symbol. Give a text with at least two different characters.",
        "对这个模型来说，这段文本只是同一个符号的重复。请至少给出两种不同的字符。",
    ),
    "error_shared_state": (
        "The layers of {name} share one state, so no layer can be shown alone. Choose another model.",
        "{name} 的各层共用一个状态，没有单独的层可看。请换一个模型。",
    ),
    "error_text_short": (
        "Scoring needs at least two characters: the first is context for the second.",
        "打分至少需要两个字符：第一个是第二个的上文。",
    ),
    "error_written_long": (
        "A text can have {most} characters at most. Generate a new one, or copy its end into the prompt.",
        "一段文本最多 {most} 个字符。请重新生成，或把结尾复制到开头里。",
    ),
    "error_nothing_to_continue": (
        "There is nothing to continue yet: press Generate first.",
        "还没有可以续写的内容：请先点“生成”。",
    ),
    "error_file": (
        "This is not a comparison saved on this page, or its models are not here. Choose a JSON file that Save wrote.",
        "这不是本页保存的对比文件，或其中的模型不在这里。请选择用“保存”得到的 JSON 文件。",
    ),
    "error_number": (
        "{field} must be a number from {least} to {most}, not {value}.",
        "{field}须为 {least} 到 {most} 之间的数，现在是 {value}。",
    ),
    "error_number_none": (
        "{field} is empty: give a number from {least} to {most}.",
        "{field}须为 {least} 到 {most} 之间的数，现在为空。",
    ),
    "error_number_whole": (
        "{field} must be a whole number from {least} to {most}, not {value}.",
        "{field}须为 {least} 到 {most} 之间的整数，现在是 {value}。",
    ),
    "seen_elsewhere": (
        "(Seen after “{prompt}”, {max_chars} characters at temperature {temperature}, seed {seed}, without top-k or "
        "top-p; your settings are different.)",
        "（以下是在开头“{prompt}”、长度 {max_chars}、温度 {temperature}、种子 {seed}、不用 top-k 和 top-p 时看到的，与"
        "现在的设置不同。）",
    ),
    "error_title": ("This cannot be done", "无法完成"),
    "warning_title": ("Please note", "请注意"),
    "models_full": (
        "{most} models at most stand side by side. Remove one first, then choose another.",
        "最多同时选 {most} 个模型。请先移除一个，再选别的。",
    ),
    "preparing": (
        "The server has just started and is getting ready to write and read, which takes some seconds. The answer comes"
        " as soon as it is.",
        "服务器刚刚启动，正在准备读写文本，需要几秒钟。准备好后会立即给出结果。",
    ),
    "unread_yet": (
        "How surprised the model is will be shown when the server is ready: reload the page in some seconds.",
        "服务器就绪后才能显示惊讶度，请过几秒刷新页面。",
    ),
    "link_many": (
        "The link names {n} models; the first {most} are shown.",
        "链接里有 {n} 个模型，只显示前 {most} 个。",
    ),
    "error_text_type": ("{field} must be a text.", "{field}须为文本。"),
    "error_broken": (
        "The model {name} cannot be used, its weights are missing or broken; the server's log says more.",
        "模型 {name} 的权重缺失或已损坏，无法使用；详情见服务器日志。",
    ),
}

GRADIOS = {  # what gradio says of its own accord, by its keys
    "common.clear": ("Clear", "清除"),
    "common.complete": ("finished", "完成"),
    "common.error": ("Error", "出错了"),
    "common.loading": ("Loading", "加载中"),
    "common.logo": ("logo", "标志"),
    "common.remove": ("Remove", "移除"),
    "common.stop_recording": ("Stop Recording", "停止录制"),
    "errors.use_via_api": ("Use via API", "通过 API 使用"),
}


def gradios_words(lang: Lang) -> dict[str, str]:
    """The words of gradio's components that are not ours, by their keys."""
    return {key: pair[0 if lang == "en" else 1] for key, pair in GRADIOS.items()}


def language(query: Mapping[str, str], accept_language: str) -> Lang:
    """`lang=zh` or `lang=en`, else the browser's first choice."""
    asked = query.get("lang") or accept_language
    return "zh" if asked.strip().lower().startswith("zh") else "en"


def language_of(headers: Mapping[str, str]) -> Lang:
    """Of whoever asks something on the page: what the page's address says, else the browser's first choice."""
    query = headers.get("referer", "").partition("?")[2]
    return language(dict(parse_qsl(query)), headers.get("accept-language", ""))


def tr(key: str, lang: Lang, **values: object) -> str:
    """The string of that key in a language, its {places} filled in."""
    return STRINGS[key][0 if lang == "en" else 1].format(**values)
