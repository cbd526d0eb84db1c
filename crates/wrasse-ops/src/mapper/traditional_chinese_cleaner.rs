//! `traditional_chinese_cleaner` turns traditional Chinese into simplified.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Edit, ORIGIN, edit_chars, first_bytes, unless_same};
use crate::no_params::NoParams;
use crate::opencc::{Converter, Mode};
use crate::scan::FirstBytes;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<TraditionalChineseCleaner>(
    "traditional_chinese_cleaner",
    "Turns traditional Chinese into simplified Chinese.",
)
.aliases(&["TraditionalChineseCleaner"])
.details("Goes by OpenCC's tables for `t2s` (Apache-2.0). The original's package, zhconv, goes by MediaWiki's, whose licence does not allow them here; the two agree but for rare characters and some words. What MediaWiki has beyond OpenCC is done as well for the characters of Big5, GB 2312 and JIS X 0208 and for some of old texts: corner brackets become quotation marks, `妳` becomes `你`, `牠` becomes `它`, and variants such as `廻` and `砲` become standard characters.")
.origin(ORIGIN)
.examples(&[Example {
    about: "turns characters and quotation marks into those of the mainland",
    params: "{}",
    input: &[r#"{"text": "這是繁體中文，「乾坤」與乾燥，妳和牠。"}"#],
    output: &[r#"{"text": "这是繁体中文，“乾坤”与干燥，你和它。"}"#],
}]);

/// Variants of characters that OpenCC's table leaves as they are, each with the
/// standard character behind it, as the list of standard characters of the
/// mainland has them: those of Big5, GB 2312 and JIS X 0208, and of old poems.
const VARIANTS: &str = "\
    乗乘 乹干 倣仿 傚效 僊仙 働动 儌侥 兎兔 冐冒 凴凭 刦劫 刧劫 剉锉 剏创 剳札 劄札 劒剑 効效 \
    勅敕 勦剿 匟炕 匳奁 厰厂 吚咿 呌叫 呪咒 唚吣 啎忤 啑喋 啗啖 啣衔 嘷嗥 噉啖 囓啮 坿附 塲场 \
    墖塔 壻婿 夘卯 妬妒 妳你 姉姊 姙妊 姪侄 婣姻 婬淫 媿愧 嬝袅 嬭奶 嬾懒 寃冤 寑寝 寳宝 尅克 \
    尒尔 尙尚 尟鲜 尠鲜 屭屃 巠𢀖 巵卮 帀匝 帋纸 帬裙 幇帮 幙幕 廐厩 廻回 徃往 徧遍 怱匆 怳恍 \
    恠怪 悤匆 惏婪 惷蠢 愽博 慙惭 慴慑 憇憩 憍㤭 懧㤖 戞戛 扞捍 拚拼 捄救 掽碰 揫揪 揹背 搆构 \
    搉榷 搤扼 搥捶 搨拓 搯掏 搾榨 摃扛 撦扯 擥㧛 擧举 攩挡 攷考 敍叙 敺驱 暱昵 朞期 朢望 朶朵 \
    杴锨 栞刊 栢柏 栰筏 桮杯 椗碇 椶棕 椷缄 楥楦 欝郁 欵款 歛敛 歴历 殀夭 毧绒 毬球 氊毡 氷冰 \
    汚污 涖莅 淛浙 渖沈 潄漱 澁涩 濇涩 濶阔 灠漤 熈熙 燄焰 牋笺 牓榜 牠它 牴抵 狥徇 猨猿 獘毙 \
    獧狷 玅妙 琖盏 瑇玳 瑯琅 璢瑠 甎砖 甖罂 甞尝 畆亩 畧略 疎疏 疘肛 疿痱 痐蛔 痲痳 痺痹 瘉愈 \
    瘖喑 癈废 皐皋 皜皓 皷鼓 盌碗 眎视 睠眷 睪睾 瞇眯 瞭了 矙瞰 砲炮 碪砧 磟碌 秖只 稉粳 稾稿 \
    穨颓 穽阱 窓窗 窰窑 竝并 竢俟 筩筒 筯箸 箒帚 箠棰 篛箬 簒篡 簷檐 籐藤 粃秕 粧妆 絏绁 緜绵 \
    繖伞 繙翻 繦襁 罇樽 罋瓮 罸罚 羗羌 羢绒 耡锄 肐胳 肧胚 脇胁 膓肠 臈腊 臕膘 臙胭 臝裸 臯皋 \
    舖铺 舩船 艢樯 艪橹 茘荔 荳豆 萲萱 葠参 蔕蒂 蕚萼 蘓苏 蘤花 蚘蛔 蜋螂 蜨蝶 蝯猿 蝱虻 蟁蚊 \
    蟇蟆 蠏蟹 蠒茧 蠭蜂 衂衄 衞卫 袟帙 袵衽 裌袷 裠裙 褭袅 襃褒 襍杂 覇霸 覊羁 覩睹 觝抵 詶酬 \
    誖悖 謌歌 譌讹 譔撰 讐雠 谘咨 貍狸 賛赞 趂趁 踫碰 蹧糟 躭耽 輙辄 迻移 逈迥 遉侦 遯遁 遶绕 \
    酖鸩 醆盏 醯酰 醻酬 醼宴 釬焊 鉄铁 銲焊 鎗枪 鑈鿭 鑚钻 鑛矿 鑤刨 鑵罐 钜巨 锺钟 镟旋 閙闹 \
    閧哄 闚窥 阨厄 阬坑 陗峭 陜陕 隄堤 隣邻 隷隶 靭韧 靱韧 鞀鼗 鞵鞋 韈袜 韮韭 頼赖 顇悴 顋腮 \
    顦憔 飃飘 飜翻 餁饪 餽馈 馀余 駈驱 騣鬃 骾鲠 鬪斗 鬰郁 鴈雁 鵞鹅 鵶鸦 鷈䴘 鷰燕 麹曲 麺面 \
    鼇鳌 鼈鳖 \
    「“ 」” 『‘ 』’";

/// The one frequent word that only MediaWiki has.
const WORD: (&str, &str) = ("慇懃", "殷勤");

/// What is put in place of a character after OpenCC's conversion.
struct Variants(Vec<(char, char)>);

impl Variants {
    fn new() -> Self {
        let pair = |pair: &str| {
            let mut chars = pair.chars();
            chars.next().zip(chars.next())
        };
        let mut pairs: Vec<_> = VARIANTS.split_whitespace().filter_map(pair).collect();
        pairs.sort_unstable();
        Self(pairs)
    }

    fn edit(&self, c: char) -> Edit {
        let at = self.0.binary_search_by_key(&c, |(variant, _)| *variant);
        at.map_or(Edit::Keep, |at| Edit::Put(self.0[at].1))
    }
}

pub(crate) struct TraditionalChineseCleaner {
    variants: Variants,
    first: FirstBytes,
    converter: Converter,
}

impl Configured for TraditionalChineseCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        let variants = Variants::new();
        Ok(Self {
            first: first_bytes(|c| variants.edit(c)),
            variants,
            converter: Converter::new(Mode::T2s),
        })
    }
}

impl TextMapper for TraditionalChineseCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if text.is_ascii() {
            return Ok(Cow::Borrowed(text));
        }
        let mut simplified = self.converter.convert(text);
        if simplified.contains(WORD.0) {
            simplified = Cow::Owned(simplified.replace(WORD.0, WORD.1));
        }
        let edit = |c| self.variants.edit(c);
        if let Cow::Owned(edited) = edit_chars(&simplified, &self.first, edit) {
            return Ok(unless_same(edited, text));
        }
        Ok(simplified)
    }
}
