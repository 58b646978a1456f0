#!/usr/bin/env bash
# The repository's own rules, each a check over the tracked files.
#
# Prints one line per rule and, below a broken one, what breaks it. Exit status 1 when any is broken.
# Needs git and awk alone; changes nothing.

set -u
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)" || exit 2

lines_max=500
broken=0

# rule NAME OFFENDERS: the rule holds when there are none.
rule() {
  if [ -z "$2" ]; then
    printf 'ok      %s\n' "$1"
  else
    printf 'BROKEN  %s\n' "$1"
    printf '%s\n' "$2" | sed 's/^/          /'
    broken=1
  fi
}

# Tracked files that exist, by git's patterns; a file deleted but not yet committed is no file.
tracked() {
  git ls-files -- "$@" | while IFS= read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done
}

source_files() {
  tracked '*.rs' '*.sql' '*.py' '*.mjs' '*.sh' check .ci/run
}

long_files() {
  source_files | while IFS= read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$lines_max" ] && ! head -n 12 "$file" | grep -q 'Long because:'; then
      printf '%s lines  %s\n' "$lines" "$file"
    fi
  done
}

# A Rust file says in its first lines what it is for.
files_without_purpose() {
  tracked '*.rs' | while IFS= read -r file; do
    head -n 1 "$file" | grep -q '^//!' || printf '%s\n' "$file"
  done
}

# Packages are named by name and version; where they are fetched from is each machine's setting.
download_hosts() {
  git grep -nIE 'https?://[^ "]*(artifact|registry|mirror|/simple/|/-/|\.tgz|\.whl|tarball)' -- . ':!Cargo.lock' ':!scripts/rules.sh'
  git grep -nI '"resolved":' -- '*package-lock.json'
}

# The tree is the same wherever it is checked out.
machine_paths() {
  git grep -nIF -e "$PWD/" -- .
  # A short home such as `/` would match everything.
  [ "${#HOME}" -gt 4 ] && git grep -nIF -e "$HOME/" -- .
}

leftovers() {
  git grep -nE '\b(todo|unimplemented|dbg)!\(|#\[ignore|FIXME|XXX' -- '*.rs'
  git ls-files -- '*.snap.new' '*.orig' '*.rej'
}

# Layering: which of our crates each may name, besides itself.
layers_crossed() {
  may contract ''
  may domain 'contract'
  may store 'domain contract'
  may client 'contract'
  may system 'domain contract'
  may outbound 'system domain contract'
  may inspect 'system domain contract'
  may objects 'system domain contract'
  may hub 'store outbound inspect objects system domain contract'
  may server 'hub store outbound inspect objects system domain contract'
  may cli 'contract client server inspect system'
}

may() {
  awk -v allowed=" $2 " -v crate="$1" '
    /^\[/ { within = ($0 == "[dependencies]") }
    within && match($0, /^(contract|domain|store|client|system|outbound|inspect|objects|hub|server|cli)[. =]/) {
      name = substr($0, 1, RLENGTH - 1)
      if (index(allowed, " " name " ") == 0) print crate " depends on " name
    }' "crates/$1/Cargo.toml"
}

# Files that import each other in a loop cannot be read, tested or moved alone. Three at most: a folder and two of
# its files.
import_loops() {
  for crate in crates/*/; do
    # No name of a source file has a blank.
    # shellcheck disable=SC2046
    awk -v root="${crate}src/" -v most=3 -f scripts/loops.awk $(tracked "${crate}src/*.rs")
  done
}

# Words that a reader has to learn here first; docs/glossary.md has the field's. What was released keeps its name.
struck_words() {
  git grep -nwE "$(struck | paste -sd'|')" -- 'crates/*.rs' 'bench/*.rs' ARCHITECTURE.md CONTRIBUTING.md |
    grep -vE 'rename|io::sink|"[^"]*\b(sink|told|kept)\b'
}

struck() {
  printf '%s\n' '[Jj]udge[sd]?' '[Jj]udging' 'judge_[a-z_]+' Farewell NoAck Lanes? Hasten '[Hh]asten(ed|ing|s)?' \
    Unfit Unkept Unchecked Unproved Ungiven Misfit TooFast Voice heed LineStands Traffic Turns \
    '[Ss]heet' story cast Story Cast truth chance ObjectPlace key_place '[Hh]eard' '[Tt]old' '[Kk]ept' sinks? Sink \
    Pulse '[Oo]verlay' '[Ii]nbox'
}

sql_outside_store() {
  git grep -nE '\b(rusqlite|tokio_postgres|deadpool_postgres|refinery)::' -- 'crates/*/src' ':!crates/store'
}

# What a tenant is shown has its own clock, and who reads the installation's says so. Before there is a hub there is no tenant.
bare_clocks() {
  git grep -nE '\bclock\.now\(\)|\.made_at\(\)' -- crates/hub/src crates/server/src \
    ':!crates/server/src/'{backup,keys,people,start,storage}.rs ':!crates/hub/src/orders/commands.rs'
}

# A dependency that one crate alone may have: what it does is done there or nowhere.
dependencies_astray() {
  only inspect 'lopdf|seccompiler|thread-priority'
  only objects 'object_store'
  only store 'rusqlite|tokio-postgres|deadpool-postgres|refinery'
}

only() {
  awk -v names="$2" '
    FNR == 1 { within = 0 }
    /^\[/ { within = ($0 == "[dependencies]") }
    within && $0 ~ "^(" names ")[. =]" { print FILENAME ": " $0 }
  ' $(tracked 'crates/*/Cargo.toml' | grep -v "crates/$1/")
}

http_in_the_hub() {
  git grep -nE '^(axum|http|hyper)[. =]' -- crates/hub/Cargo.toml
}

io_in_pure_crates() {
  git grep -nE '^(tokio|axum|hyper|reqwest|rusqlite|tokio-postgres)[. =]' -- crates/contract/Cargo.toml crates/domain/Cargo.toml
  git grep -nE '\bstd::(fs|process|env|thread)\b|\b(TcpStream|TcpListener|UdpSocket|ToSocketAddrs)\b|\basync fn\b' -- crates/contract/src crates/domain/src
}

# Both engines have the same migrations, by name.
migrations_apart() {
  diff <(names crates/store/migrations/sqlite) <(names crates/store/migrations/postgres)
}

names() {
  tracked "$1/*.sql" | sed 's|.*/||' | sort
}

decisions_misshapen() {
  tracked 'docs/decisions/[0-9]*.md' | while IFS= read -r page; do
    for part in '## Context' '## Decision' '## Consequences'; do
      grep -qx "$part" "$page" || printf '%s lacks "%s"\n' "$page" "$part"
    done
  done
}

house_files_missing() {
  for file in README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE \
    Cargo.lock clippy.toml deny.toml check .ci/run; do
    [ -f "$file" ] || printf '%s\n' "$file"
  done
}

scripts_malformed() {
  tracked '*.sh' check .ci/run | while IFS= read -r file; do
    bash -n "$file" 2>&1
    [ -x "$file" ] || printf '%s is not executable\n' "$file"
  done
}

rule "no source file over $lines_max lines, unless its header says \"Long because:\"" "$(long_files)"
rule "every Rust file opens with what it is for" "$(files_without_purpose)"
rule "no host of a package registry, no download address" "$(download_hosts)"
rule "no path of one machine" "$(machine_paths)"
rule "no leftovers" "$(leftovers)"
rule "crates depend only on those below them" "$(layers_crossed)"
rule "no loop of imports over more than 3 files" "$(import_loops)"
rule "no struck word: docs/glossary.md" "$(struck_words)"
rule "parser, bucket and SQL are dependencies of one crate each" "$(dependencies_astray)"
rule "contract and domain do no IO" "$(io_in_pure_crates)"
rule "the hub knows no HTTP" "$(http_in_the_hub)"
rule "SQL is known to the store alone" "$(sql_outside_store)"
rule "hub and server read hub.clock(tenant) or hub.installation_clock" "$(bare_clocks)"
rule "both engines have the same migrations" "$(migrations_apart)"
rule "every decision has context, decision and consequences" "$(decisions_misshapen)"
rule "the house files are there" "$(house_files_missing)"
rule "scripts parse and are executable" "$(scripts_malformed)"
exit "$broken"
