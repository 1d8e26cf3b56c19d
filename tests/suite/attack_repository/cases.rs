//! The repositories: how each is made, and what must come of it. The scripts run in
//! the work tree; `$1` is 1 in the suite, and larger where it takes time.

/// How much more of it under `make torture`.
pub(super) const LARGE: usize = 16;

pub(super) enum Expected {
    /// With so many reports.
    Works(usize),
    /// With a sentence that has these words.
    Refused(&'static [&'static str]),
}
use Expected::{Refused, Works};

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) script: &'static str,
    pub(super) expected: Expected,
}

pub(super) const fn case(name: &'static str, expected: Expected, script: &'static str) -> Case {
    Case { name, script, expected }
}

/// Each names what it is about first.
pub(super) const CASES: &[Case] = &[
    // Links.
    case(
        "a report is a link",
        Works(3),
        "f=$(ls reports/*/*/*/*-mcp-a-*); rm $f; ln -s ../../../../../outside/file $f",
    ),
    case(
        "a folder of reports is a link",
        Works(3),
        "mv reports/* ../outside/ && rmdir reports && ln -s ../outside reports",
    ),
    case("golive.yaml is a link", Works(3), "rm golive.yaml; ln -s ../outside/file golive.yaml"),
    case(
        "golive.yaml is a link in git",
        Works(3),
        "rm golive.yaml; ln -s ../outside/file golive.yaml; git commit -qam x",
    ),
    case(
        "the folder of the service is a link",
        Refused(&[".git/golive", "link"]),
        "mv .git/golive ../outside/own; ln -s ../../outside/own .git/golive",
    ),
    case(
        "files of the service are links",
        Works(3),
        "cd .git/golive; rm -rf tips new tmp; ln -s ../../../outside tips; ln -s ../../../outside new; ln -s ../../../outside tmp; for f in served snapshot snapshot.new assessed assessed.new held held.new owner probe stopped mounted; do rm -rf $f; ln -s ../../../outside/file $f; done",
    ),
    case(
        "the objects are a link",
        Refused(&["objects", "link"]),
        "mv .git/objects ../outside/objects; ln -s ../../outside/objects .git/objects",
    ),
    case(
        "the references are a link",
        Refused(&["refs/heads", "link"]),
        "mv .git/refs/heads ../outside/heads; ln -s ../../../outside/heads .git/refs/heads",
    ),
    case(
        "attributes are a link",
        Works(3),
        "rm -f .git/info/attributes; mkdir -p .git/info; ln -s ../../../outside/file .git/info/attributes",
    ),
    // What is no file.
    case(
        "pipes and sockets in the work tree",
        Works(3),
        "f=$(ls reports/*/*/*/*-mcp-a-*); rm $f README.md golive.yaml; mkfifo $f README.md golive.yaml reports/x.md; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"reports/s.md\")'",
    ),
    case(
        "pipes in the folder of the service",
        Works(3),
        "cd .git/golive; for f in served snapshot held owner stopped mounted; do rm -rf $f; mkfifo $f; done",
    ),
    case(
        "folders in place of files of the service",
        Works(3),
        "cd .git/golive; for f in held snapshot stopped mounted; do rm -rf $f; mkdir -p $f/x; done",
    ),
    case("a report is a folder", Works(3), "f=$(ls reports/*/*/*/*-mcp-a-*); rm $f; mkdir -p $f/x"),
    // Names.
    case(
        "names that are not UTF-8, or hold newlines",
        Works(3),
        "n=$(printf 'reports/\\377\\n.md'); printf x > \"$n\"; mkdir \"$(printf 'reports/a\\nb')\"; cp reports/*/*/*/*-mcp-a-* \"$(printf 'reports/a\\nb/c\\377.md')\"; git add -A; git commit -qm x",
    ),
    case(
        "names that differ in case",
        Works(3),
        "d=$(ls -d reports/*/*/*/ | head -n 1); for f in readme.md ReadMe.md Reports/x GOLIVE.yaml; do mkdir -p $(dirname $f); echo x > $f; done; cp $d/*.md $d/X.MD; git add -A; git commit -qm x",
    ),
    case(
        "names like .git",
        Works(3),
        "b=$(echo x | git hash-object -w --stdin); t=$(printf '100644 blob %s\\thooks\\n' $b | git mktree); { git ls-tree main; for n in .GIT 'git~1' '.git ' .gIt; do printf '040000 tree %s\\t%s\\n' $t \"$n\"; done; } | git mktree > ../t; git update-ref refs/heads/main $(git commit-tree -m x -p main $(cat ../t))",
    ),
    // Other kinds of entries.
    case(
        "submodules",
        Works(3),
        "c=$(git rev-parse main); git update-index --add --cacheinfo 160000,$c,reports/sub.md --cacheinfo 160000,$c,sub; printf '[submodule \"sub\"]\\npath=sub\\nurl=file:///dev/null\\n' > .gitmodules; git add .gitmodules; git commit -qm x",
    ),
    // Large.
    case(
        "a large blob that is no report",
        Works(3),
        "truncate -s $((96 * $1))M reports/large.md; git -c core.bigFileThreshold=1m -c core.compression=1 add reports/large.md; git commit -qm x; rm reports/large.md; git checkout -q -- reports/large.md",
    ),
    case(
        "a large report",
        Works(3),
        "f=$(ls reports/*/*/*/*-mcp-a-*); truncate -s $((96 * $1))M $f; git -c core.bigFileThreshold=1m -c core.compression=1 commit -qam x",
    ),
    case(
        "a large file in place of a report",
        Works(3),
        "f=$(ls reports/*/*/*/*-mcp-a-*); truncate -s 4G $f; truncate -s 1T reports/stray.md",
    ),
    case(
        "many stray files",
        Works(3),
        "mkdir reports/many; cd reports/many; seq 1 $((5000 * $1)) | sed 's/$/.md/' | xargs touch",
    ),
    case(
        "many references",
        Works(3),
        "c=$(git rev-parse main); git pack-refs --all; seq 1 $((20000 * $1)) | sed \"s|^|$c refs/tags/t|\" >> .git/packed-refs",
    ),
    case(
        "a deep folder",
        Works(3),
        "python3 -c '\nimport os\nos.chdir(\"reports\")\nfor n in range(1500):\n    os.mkdir(\"d\"); os.chdir(\"d\")\nopen(\"x.md\", \"w\")'",
    ),
    // Settings.
    case(
        "settings that run programs",
        Works(3),
        "printf '#!/bin/sh\\ntouch \"%s/../outside/ran\"\\n' \"$PWD\" > ../run; chmod +x ../run; for s in core.fsmonitor core.editor core.pager core.sshCommand core.askPass diff.external gpg.program core.alternateRefsCommand filter.x.clean filter.x.smudge filter.x.process diff.x.textconv merge.x.driver uploadpack.packObjectsHook gc.recentObjectsHook credential.helper; do git config $s \"$PWD/../run\"; done; echo '* filter=x diff=x merge=x' > .gitattributes; for h in pre-commit post-commit reference-transaction post-index-change fsmonitor-watchman; do cp ../run .git/hooks/$h; done",
    ),
    case(
        "settings from elsewhere",
        Works(3),
        "printf '[user]\\nname = Else\\n[include]\\npath = nowhere\\n' > ../outside/config; git config include.path ../../outside/config",
    ),
    case(
        "a work tree elsewhere",
        Refused(&["core.worktree", "git config --unset"]),
        "git config core.worktree ../../outside",
    ),
    case("settings that cannot be read", Refused(&["config"]), "printf '[core\\n' >> .git/config"),
    case(
        "alternates that lead nowhere",
        Works(3),
        "mkdir -p .git/objects/info; echo /nowhere/objects > .git/objects/info/alternates",
    ),
    // Damage.
    case(
        "loose objects that are none",
        Works(3),
        "mkdir -p .git/objects/ab; head -c 100 /dev/urandom > .git/objects/ab/cdefabcdefabcdefabcdefabcdefabcdefabcd; echo x > .git/objects/ab/x; mkdir .git/objects/zz; head -c 99 /dev/zero > .git/objects/pack/pack-x.pack",
    ),
    case(
        "a pack whose bytes changed",
        Refused(&["damaged", " fsck`", "any clone"]),
        "p=$(ls .git/objects/pack/*.pack); chmod u+w $p; python3 - $p <<'E'\nimport sys\nwith open(sys.argv[1], 'r+b') as f:\n    b = bytearray(f.read()); b[12:-20] = bytes(x ^ 0x55 for x in b[12:-20]); f.seek(0); f.write(b)\nE",
    ),
    case(
        "a pack that was cut",
        Refused(&["damaged", " fsck`", "any clone"]),
        "p=$(ls .git/objects/pack/*.pack); chmod u+w $p; truncate -s 100 $p",
    ),
    case(
        "an index of a pack that was cut",
        Refused(&["damaged", " fsck`", "any clone"]),
        "p=$(ls .git/objects/pack/*.idx); chmod u+w $p; truncate -s 100 $p; rm -f .git/objects/pack/*.rev",
    ),
    case("a pack without its index", Refused(&["damaged", " fsck`", "any clone"]), "rm .git/objects/pack/*.idx"),
    case(
        "an older pack without its index",
        Works(3),
        "echo x > x; git add x; git commit -qm x; rm .git/objects/pack/*.idx; test -n \"$(ls .git/objects/pack/*.pack)\"",
    ),
    case(
        "a report's blob is missing",
        Refused(&["damaged", " fsck`", "any clone"]),
        "b=$(git rev-parse main:$(ls reports/*/*/*/*-mcp-a-*)); mv .git/objects/pack/*.pack ../p; rm -f .git/objects/pack/*; git unpack-objects -q < ../p; rm -f .git/objects/$(echo $b | sed 's|^..|&/|')",
    ),
    case(
        "a tree is missing",
        Refused(&["damaged", " fsck`", "any clone"]),
        "b=$(git rev-parse main:reports); mv .git/objects/pack/*.pack ../p; rm -f .git/objects/pack/*; git unpack-objects -q < ../p; rm -f .git/objects/$(echo $b | sed 's|^..|&/|')",
    ),
    case(
        "an older commit is missing",
        Refused(&["damaged", " fsck`", "any clone"]),
        "b=$(git rev-parse main~1); mv .git/objects/pack/*.pack ../p; rm -f .git/objects/pack/*; git unpack-objects -q < ../p; rm -f .git/objects/$(echo $b | sed 's|^..|&/|')",
    ),
    case(
        "the tip is missing",
        Refused(&["damaged", " fsck`", "any clone"]),
        "b=$(git rev-parse main); mv .git/objects/pack/*.pack ../p; rm -f .git/objects/pack/*; git unpack-objects -q < ../p; rm -f .git/objects/$(echo $b | sed 's|^..|&/|')",
    ),
    case("the branch is no commit id", Refused(&["main"]), "echo nonsense > .git/refs/heads/main"),
    case("the branch is a loop", Refused(&["main"]), "echo 'ref: refs/heads/main' > .git/refs/heads/main"),
    case(
        "references of the service are nonsense",
        Works(3),
        "rm -rf .git/refs/golive; mkdir -p .git/refs/golive/served/x; echo nonsense > .git/refs/golive/mirrored",
    ),
    case("git's index is nonsense", Works(3), "head -c 200 /dev/urandom > .git/index"),
    case("git's index is gone", Works(3), "rm .git/index"),
];
