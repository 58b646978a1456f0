#!/usr/bin/env bash
# Paints every page of the console into target/screenshots: both languages, light and dark, 1280 and 390 px, empty and full.
#
# WAYS="zh-CN-light-1280 en-dark-390" paints these alone. Looks for faults of accessibility, of the pages' policy and of
# width on the way, and ends with status 1 when there are any.
# Needs Chromium and the packages that ./check brings up into .cache/browser.

set -eu
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)"

folder=$PWD/target/screenshots
rm -rf "$folder"
PICTURES=$folder DEMANDED=1 cargo test --workspace --test console_browser -- --nocapture
printf '%s pictures in %s\n' "$(find "$folder" -name '*.png' | wc -l)" "$folder"
