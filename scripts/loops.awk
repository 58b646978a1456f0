# Which files of a crate import each other in a loop: one line for each loop of more than `most` files.
#
#     awk -v root=crates/store/src/ -v most=3 -f scripts/loops.awk FILE...
#
# An import is a path that begins with `crate`, `super` or `self`, in a `use` or in the code. What is only passed on
# (`pub use`) is none.

function module(file,  name) {
  name = substr(file, length(root) + 1)
  sub(/\.rs$/, "", name)
  sub(/\/mod$/, "", name)
  return name == "lib" || name == "main" ? "" : name
}

# The file that a path names: the longest beginning of it that is a file.
function resolve(path) {
  while (!(path in files)) {
    if (path !~ /\//) return ""
    sub(/\/[^\/]*$/, "", path)
  }
  return path
}

function parent(path) {
  return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : ""
}

# Adds the imports of `from` that `path` stands for; `path` may end in a list in braces.
function add(from, path,  open, inner, depth, i, c, part) {
  if (open = index(path, "{")) {
    inner = substr(path, open + 1, length(path) - open - 1)
    for (i = 1; i <= length(inner) + 1; i++) {
      c = substr(inner, i, 1)
      if ((c == "," || c == "") && depth == 0) {
        if (part != "") add(from, substr(path, 1, open - 1) part)
        part = ""
        continue
      }
      depth += (c == "{") - (c == "}")
      part = part c
    }
    return
  }
  sub(/::self$/, "", path)
  gsub(/::/, "/", path)
  if (path ~ /^crate\//) base = ""
  else if (path ~ /^self\//) base = from
  else if (path ~ /^super\//) {
    base = parent(from)
    while (path ~ /^super\/super\//) { base = parent(base); sub(/^super\//, "", path) }
  } else return
  sub(/^[^\/]*\//, "", path)
  path = resolve(base == "" ? path : base "/" path)
  if (path != from) uses[from, path] = 1
}

function read(from, text,  use) {
  while (match(text, /(pub(\([a-z]+\))? +)?use +[^;]+;/)) {
    use = substr(text, RSTART, RLENGTH - 1)
    text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
    if (use ~ /^pub/) continue
    sub(/^use +/, "", use)
    gsub(/ as [A-Za-z_]+/, "", use)
    gsub(/ /, "", use)
    add(from, use)
  }
  while (match(text, /(crate|super|self)(::[A-Za-z_]+)+/)) {
    add(from, substr(text, RSTART, RLENGTH))
    text = substr(text, RSTART + RLENGTH)
  }
}

FNR == 1 { here = module(FILENAME); files[here] = FILENAME; name[++count] = here; is_test = 0 }
# A file ends with its tests.
/^mod tests \{/ { is_test = 1 }
!is_test { sub(/\/\/.*/, ""); text[here] = text[here] " " $0 }

END {
  for (n = 1; n <= count; n++) read(name[n], text[name[n]])
  for (k in files) for (i in files) if ((i, k) in uses) for (j in files) if ((k, j) in uses) uses[i, j] = 1
  for (n = 1; n <= count; n++) {
    i = name[n]
    if (i in seen || !((i, i) in uses)) continue
    size = 0
    line = ""
    for (m = 1; m <= count; m++) {
      j = name[m]
      if (((i, j) in uses) && ((j, i) in uses)) { seen[j] = 1; size++; line = line " " files[j] }
    }
    if (size > most) print size " files:" line
  }
}
