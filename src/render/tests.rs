//! What a page gets.

use super::{changes, markdown, visible};

#[test]
fn a_report_is_laid_out() {
    let text = "# A *b*\n\n[x](#phase-1) [y](docs/y.md) [z](javascript:alert(1)) <b>raw</b>\n\n## Phase 1\n\n- [x] done\n- [ ] todo\n\n| a | b |\n|--:|---|\n| 1 | ![alt](http://e.org/i.png) |\n\nfoot[^1]\n\n[^1]: note\n\n<script>alert(1)</script>\n";
    let rendered = markdown(text);
    println!("{}", rendered.html);
    for heading in &rendered.contents {
        println!("{} {} {}", heading.level, heading.text, heading.anchor);
    }
    println!("{}", visible("a\u{202e}b👩\u{200d}💻⚠\u{fe0f}"));
    println!("{}", changes("a\nb\n", "a\nc\n").html);
}
