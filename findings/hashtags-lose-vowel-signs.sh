#!/usr/bin/env bash
# hashtag-regex 2.2.0, twitter-text 3.1.0, find-hashtags 1.0.1 and @fedify/markdown-it-hashtag
# 0.3.0 (npm), readers of #tags in a line of text.
#
# Expected: they quarrel about "#home-office" and emoji, but agree on words, accents and "_", as
#   Unicode's rule for hashtags (UAX 31) has them.
# Seen: "#कार्य" (Hindi for work) is one tag for two of them and a single letter "क" for the
#   others, which stop at the vowel sign: Unicode counts it as a mark, not a letter. For the same
#   reason a decomposed "é" ends as "e". "#to_do" is "to" for find-hashtags. "#2027" is a tag for
#   all but twitter-text, and only hashtag-regex takes "#home-office" whole.
# Why it matters: quick add in Hindi, Bengali or Tamil files everything under some thirty single
#   letters, in one client and not in the other.
# What follows: tags are a list of their own in the API; no server-side reading of titles. Names
#   are folded by normalising, never by a class of letters.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --loglevel=error --no-audit --no-fund --prefix . hashtag-regex@2.2.0 \
  twitter-text@3.1.0 find-hashtags@1.0.1 @fedify/markdown-it-hashtag@0.3.0 markdown-it@14.1.0 >/dev/null

cat >seen.mjs <<'JS'
import { hashtag } from "@fedify/markdown-it-hashtag";
import findHashtags from "find-hashtags";
import hashtagRegex from "hashtag-regex";
import MarkdownIt from "markdown-it";
import twitter from "twitter-text";

const regex = typeof hashtagRegex === "function" ? hashtagRegex : hashtagRegex.default;
const markdown = new MarkdownIt().use(hashtag, { link: () => "x" });
for (const text of ["#work", "#कार्य", "#cafe\u0301", "#to_do", "#2027", "#home-office"]) {
  const inMarkdown = markdown.render(text).match(/<a .*<\/a>/)?.[0].replace(/<[^>]+>/g, "") ?? "#";
  console.log(
    `${text}: hashtag-regex ${(text.match(regex()) ?? ["#"])[0].slice(1)},`,
    `twitter-text ${twitter.extractHashtags(text)[0] ?? "-"},`,
    `find-hashtags ${findHashtags(text)[0] ?? "-"}, fedify ${inMarkdown.slice(1)}`,
  );
}
JS
node seen.mjs >seen.txt

cat >stated.txt <<'TEXT'
#work: hashtag-regex work, twitter-text work, find-hashtags work, fedify work
#कार्य: hashtag-regex कार्य, twitter-text कार्य, find-hashtags क, fedify क
#café: hashtag-regex café, twitter-text café, find-hashtags cafe, fedify cafe
#to_do: hashtag-regex to_do, twitter-text to_do, find-hashtags to, fedify to_do
#2027: hashtag-regex 2027, twitter-text -, find-hashtags 2027, fedify 2027
#home-office: hashtag-regex home-office, twitter-text home, find-hashtags home, fedify home
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
