//! The style guide: every piece with samples, in debug builds alone. The tests render each piece with scripts in its texts.

use askama::Template;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::Html;
use serde::Deserialize;

use super::frame::{Frame, Place, Reader, Theme};
use super::moment::Reading;
use super::pieces::{
    Action, Cell, Choice, Column, Confirm, Copy, Dialog, Empty, Field, FieldKind, Filters, Head,
    Inline, Light, Log, LogEntry, Look, Menu, Notice, Pager, Pairs, Sparkline, Step, Tab, Table,
    Tabs, Tag, Text, Timeline, To, Toast, Tone,
};
use super::words::{Language, Words};

/// 2026-11-29T12:00:00Z, from which the samples are seen.
const NOW_MS: i64 = 1_795_953_600_000;

/// The page.
#[derive(Template)]
#[template(path = "console/styleguide.html")]
struct StyleGuide {
    frame: Frame,
    head: Head,
    pieces: Vec<(&'static str, String)>,
}

/// What the style guide may be shown as.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: String,
}

pub(super) async fn show(Query(shown): Query<Shown>, headers: HeaderMap) -> Html<String> {
    let language = Language::parse(&shown.language).unwrap_or(Language::asked(&headers));
    let theme = Theme::parse(&shown.theme).unwrap_or_default();
    Html(page(Words::of(language), theme, "", &headers))
}

/// The page; `canary` stands at the end of every text that somebody else can write.
fn page(w: Words, theme: Theme, canary: &str, headers: &HeaderMap) -> String {
    let mut frame = Frame::new(w, "Style guide");
    frame.theme = theme;
    frame.place = Some(Place::Orders);
    frame.reader = Some(Reader {
        name: format!("王敏{canary}"),
        tenant: format!("星河科技{canary}"),
        others: vec![(format!("0123456789abcdef{canary}"), format!("Galaxy{canary}"))],
        roles: domain::Roles::of(&[domain::Role::Admin]),
        waiting: Some(format!("3{canary}")),
    });
    frame.notice = Some(notice(Tone::UnderWay, "Every piece of the pages, with samples."));
    let samples = Samples { w, canary, reading: Reading::new(w, NOW_MS, headers) };
    let guide = StyleGuide { frame, head: samples.head(), pieces: samples.all() };
    guide.render().expect("a String takes everything")
}

fn notice(tone: Tone, text: &'static str) -> Notice {
    Notice { tone, parts: vec![Inline::Text(text.into())], list: Vec::new() }
}

struct Samples<'a> {
    w: Words,
    canary: &'a str,
    reading: Reading,
}

impl Samples<'_> {
    fn text(&self, text: &str) -> String {
        format!("{text}{}", self.canary)
    }

    fn said(&self, text: &str) -> Text {
        self.text(text).into()
    }

    fn inline(&self, text: &str) -> Inline {
        Inline::Text(self.said(text))
    }

    fn moment(&self) -> Inline {
        Inline::Moment(self.reading.moment("2026-11-29T09:00:00Z"))
    }

    fn all(&self) -> Vec<(&'static str, String)> {
        let render = |piece: &dyn std::fmt::Display| piece.to_string();
        vec![
            ("Page head", render(&self.head())),
            ("Tabs", render(&self.tabs())),
            ("Filter bar", render(&self.filters())),
            ("Table", render(&self.table())),
            ("Pager", render(&self.pager())),
            ("State tags", self.tags()),
            ("Vendor's words", self.lights()),
            ("Buttons", self.buttons()),
            ("Menu", render(&self.menu())),
            ("Notices", self.notices()),
            ("Toast", render(&Toast { text: self.said("已复制") })),
            ("Timeline", render(&self.timeline())),
            ("Log", render(&self.log())),
            ("Key–value list", render(&self.pairs())),
            ("Copy button", render(&self.copy())),
            ("Form fields", self.fields()),
            ("Empty state", render(&self.empty())),
            ("Confirm page", render(&self.confirm())),
            ("Dialog", render(&self.dialog())),
            ("Sparkline", render(&self.sparkline())),
        ]
    }

    fn head(&self) -> Head {
        Head {
            crumb: Some((self.said("背调订单"), self.text("/orders?a=1&b="))),
            title: self.text("张三 · 标准背调"),
            tag: Some(Tag::new(Tone::Waiting, self.said("待审批"))),
            notes: vec![self.inline("诚查背调"), self.moment(), Inline::Copy(self.copy())],
            actions: vec![self.action("退回", Look::Danger), self.action("批准", Look::Primary)],
            more: Some(self.menu()),
        }
    }

    fn action(&self, label: &str, look: Look) -> Action {
        Action { label: self.said(label), to: To::Page(self.text("#a")), look }
    }

    fn tabs(&self) -> Tabs {
        let tab = |label: &str, count: &str, is_current| Tab {
            label: self.said(label),
            count: Some(self.text(count)),
            href: self.text("#"),
            is_current,
        };
        Tabs {
            label: self.said("状态"),
            tabs: vec![
                tab("全部", "312", true),
                tab("进行中", "41", false),
                tab("待审批", "3", false),
            ],
        }
    }

    fn filters(&self) -> Filters {
        let option = |value: &str, label: &str| (self.text(value), self.said(label));
        Filters {
            action: "/styleguide",
            hidden: vec![("theme", self.text("dark"))],
            choices: vec![Choice {
                name: "vendor",
                label: self.said("供应商"),
                options: vec![option("", "全部"), option("1", "诚查背调")],
                chosen: self.text("1"),
            }],
            apply: self.said("筛选"),
            clear: Some((self.said("清除"), self.text("#"))),
        }
    }

    fn table(&self) -> Table {
        let column = |label: &str, class| Column { label: self.said(label), class };
        let cell = |first: Inline, second: Option<&str>, class| Cell {
            href: None,
            first,
            second: second.map(|text| self.inline(text)),
            class,
        };
        let row = |name: &str, tag: (Tone, &str), light: &str| {
            let mut who = cell(self.inline(name), Some("138****0001"), "phone-1");
            who.href = Some(self.text("#"));
            let light = Light { whose: self.said("供应商的结论"), word: self.text(light) };
            vec![
                who,
                cell(Inline::Tag(Tag::new(tag.0, self.said(tag.1))), None, "phone-2"),
                cell(self.inline("标准背调"), Some("诚查背调"), "phone-3"),
                cell(Inline::Light(light), None, ""),
                cell(self.moment(), Some("李红"), "phone-4 end"),
            ]
        };
        Table {
            caption: self.said("背调订单"),
            columns: vec![
                column("候选人", ""),
                column("状态", ""),
                column("套餐", ""),
                column("结论", ""),
                column("下单", "end"),
            ],
            rows: vec![
                row("张三", (Tone::Waiting, "待审批"), "蓝灯"),
                row("Maria Fernández", (Tone::UnderWay, "进行中"), "no discrepancy"),
                row("王五", (Tone::Attention, "已退回"), "黄灯"),
            ],
        }
    }

    fn pager(&self) -> Pager {
        Pager {
            label: self.said("页"),
            note: self.said("50 条"),
            first: Some((self.said("第一页"), self.text("#"))),
            next: Some((self.said("下一页"), self.text("#"))),
        }
    }

    fn tags(&self) -> String {
        let tones = [
            (Tone::Waiting, "待审批"),
            (Tone::Attention, "已退回"),
            (Tone::Good, "已完成"),
            (Tone::UnderWay, "进行中"),
            (Tone::Ended, "已终止"),
        ];
        tones.map(|(tone, word)| Tag::new(tone, self.said(word)).to_string()).join(" ")
    }

    fn lights(&self) -> String {
        let words = ["绿灯", "蓝灯", "黄灯", "红灯", "无差异"];
        let light = |word: &str| {
            let (whose, word) = (self.said("供应商的结论"), format!("{word}{}", self.canary));
            Light { whose, word }.to_string()
        };
        words.map(light).join(" ")
    }

    fn buttons(&self) -> String {
        let looks = [Look::Primary, Look::Plain, Look::Danger];
        let mut html = looks.map(|look| self.action("批准", look).to_string()).join(" ");
        let to = To::Post(self.text("/styleguide"), vec![("a", self.text("1"))]);
        let post = Action { label: self.said("重新推送"), to, look: Look::Plain };
        html.push_str(&post.to_string());
        html
    }

    fn menu(&self) -> Menu {
        let to = To::Dialog("sample", self.text("#"));
        let dialog = Action { label: self.said("终止背调"), to, look: Look::Danger };
        Menu {
            label: self.said("更多"),
            is_button: true,
            said: Some(self.said("订单")),
            actions: vec![self.action("撤回审批", Look::Plain), dialog],
        }
    }

    fn notices(&self) -> String {
        let tones = [Tone::Waiting, Tone::Attention, Tone::Good, Tone::UnderWay];
        let notice = |tone| Notice {
            tone,
            parts: vec![
                self.inline("供应商 2 小时前回传了结果"),
                Inline::Light(Light { whose: self.said("结论"), word: self.text("蓝灯") }),
                Inline::Strong(self.text("等待审批")),
            ],
            list: match tone {
                Tone::Attention => vec![(self.said("请填写退回原因"), self.text("#words"))],
                _ => Vec::new(),
            },
        };
        tones.map(|tone| notice(tone).to_string()).concat()
    }

    fn timeline(&self) -> Timeline {
        let step = |class, title: &str| Step {
            class,
            title: self.text(title),
            notes: vec![self.moment(), self.inline("阶段报告 1 份")],
            quote: None,
        };
        let mut rejected = step("step-attention", "已退回");
        rejected.quote = Some(self.text("请补充离职月份的说明"));
        Timeline {
            steps: vec![
                step("", "待安排"),
                step("", "学历核验"),
                rejected,
                step("step-waiting", "结果已回传"),
                step("step-open", "审批"),
            ],
        }
    }

    fn log(&self) -> Log {
        let entry = |title: &str, tag: Option<Tag>| LogEntry {
            at: self.reading.moment("2026-11-29T09:00:00Z"),
            title: self.said(title),
            notes: vec![self.inline("规则"), Inline::Code(self.text("result.needs_review"))],
            quote: Some(self.text("意见")),
            tag,
        };
        let good = Tag::new(Tone::Good, self.said("成功"));
        Log {
            entries: vec![entry("报告取回并校验", Some(good)), entry("供应商回传结果", None)]
        }
    }

    fn pairs(&self) -> Pairs {
        let elsewhere = Inline::elsewhere(self.said("预览"), &self.text("https://a.example/"));
        Pairs {
            pairs: vec![
                (self.said("手机"), vec![self.inline("+86 138 0000 0001")]),
                (self.said("联系人"), vec![self.inline("李四"), self.inline("139 0000 0000")]),
                (self.said("投递"), vec![Inline::Code(self.text("69858338071952120"))]),
                (self.said("备注"), vec![Inline::Muted(self.said("没有"))]),
                (self.said("预计"), vec![Inline::Late(self.said("逾期 1 天"))]),
                (
                    self.said("链接"),
                    vec![Inline::Link(self.said("订单"), self.text("#")), elsewhere],
                ),
            ],
        }
    }

    fn copy(&self) -> Copy {
        let value = self.text("4287740f8be1d3c7a1c94287740f8be1d3c7a1c9");
        Copy { value, label: self.said("复制"), copied: self.said("已复制") }
    }

    fn fields(&self) -> String {
        let field = |name, label: &str, kind| Field {
            value: self.text("1"),
            hint: self.said("说明"),
            ..Field::new(self.w, name, self.said(label), kind)
        };
        let option = |value: &str, label: &str| (self.text(value), self.said(label));
        let mut fields = [
            field("name", "姓名", FieldKind::Text),
            field("email", "邮箱", FieldKind::Email),
            field("password", "密码", FieldKind::Password { is_new: true }),
            field("code", "动态口令", FieldKind::Code),
            field("words", "意见", FieldKind::Area),
            field(
                "degree",
                "学历",
                FieldKind::Select(vec![option("1", "本科"), option("2", "硕士")]),
            ),
            field("resume", "简历", FieldKind::File(".pdf,.docx")),
        ];
        fields[4].error = self.said("请填写退回原因");
        fields[4].chars_max = 2_000;
        fields[5].is_required = false;
        fields[6].hint = self.said("PDF 或 DOCX，至多 10 MiB");
        fields.iter().map(Field::to_string).collect()
    }

    fn empty(&self) -> Empty {
        Empty {
            icon: "rest",
            title: self.said("今天没有等待你的事。"),
            text: self.said("需要你审批的报告，和你下单后有进展的订单，会出现在这里。"),
            actions: vec![self.action("查看背调订单", Look::Plain)],
        }
    }

    fn confirm(&self) -> Confirm {
        let kind = FieldKind::Area;
        Confirm {
            action: self.text("/styleguide?"),
            text: self.said("终止后不能恢复，供应商会收到原因。"),
            fields: vec![Field::new(self.w, "reason", self.said("终止原因"), kind)],
            button: self.said("终止背调"),
            look: Look::Danger,
            back: (self.said("返回"), self.text("#")),
        }
    }

    fn dialog(&self) -> Dialog {
        Dialog {
            id: "sample",
            title: self.said("快捷键"),
            pairs: vec![(self.said("下一份"), vec![self.said("j")])],
            close: self.said("关闭"),
            is_still: true,
        }
    }

    fn sparkline(&self) -> Sparkline {
        Sparkline { numbers: vec![3, 5, 4, 9, 7, 12, 8], text: self.said("7 天 48 单") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "</p><script>alert(1)</script>\"' onclick=x";

    #[test]
    fn every_piece_escapes_every_text_in_every_language() {
        for language in Language::ALL {
            let w = Words::of(language);
            let plain = page(w, Theme::Dark, "", &HeaderMap::new());
            let html = page(w, Theme::Dark, CANARY, &HeaderMap::new());
            assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
            for mark in ["<script", "onclick=\"", "</p>"] {
                assert_eq!(html.matches(mark).count(), plain.matches(mark).count(), "{mark}");
            }
            // A quote that ends an attribute would begin another one.
            assert_eq!(html.matches('"').count(), plain.matches('"').count());
            assert_eq!(html.matches('<').count(), plain.matches('<').count());
        }
    }

    #[test]
    fn pages_need_no_inline_script_or_style() {
        let html = page(Words::default(), Theme::System, "", &HeaderMap::new());
        for inline in [" style=", "<style", " onclick", " onload", "javascript:"] {
            assert!(!html.contains(inline), "{inline}");
        }
        assert!(html.contains("<html lang=\"zh-CN\" class=\"no-script\">"));
        assert!(html.len() < 60 * 1_024, "{}", html.len());
    }

    #[test]
    fn no_template_marks_a_text_as_safe_but_the_style_guides_own() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/console");
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("styleguide.html") {
                    assert!(!std::fs::read_to_string(&path).unwrap().contains("|safe"), "{path:?}");
                }
            }
        }
    }
}
