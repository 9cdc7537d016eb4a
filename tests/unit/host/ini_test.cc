// Expected values are what config:all() of CouchDB 3.5.0 gives for the same text.
#include "host/ini.h"

#include <gtest/gtest.h>

#include "unit/support/temporary_folder.h"
#include "unit/support/text.h"

namespace channels {
namespace {

Sections parsed(std::string_view text) {
  Sections sections;
  parse_ini(text, sections);
  return sections;
}

// Sections without a key are as good as none.
Sections without_empty(Sections sections) {
  std::erase_if(sections, [](const auto& section) { return section.second.empty(); });
  return sections;
}

TEST(Ini, ReadsCouchDbsDialect) {
  const std::tuple<std::string, Sections> cases[] = {
      {"", {}},
      {"a = before any section", {}},
      {"[a]\nk = v", {{"a", {{"k", "v"}}}}},
      {"[a]\nk=v\n", {{"a", {{"k", "v"}}}}},
      {"[a]\n  k = v  \n", {{"a", {{"k", "v"}}}}},
      {"[a]\n\tk\t=\tv\t\n", {{"a", {{"k", "v"}}}}},
      {"  [a]  \nk = v", {{"a", {{"k", "v"}}}}},
      {"[a]\nwith=equals = four=4", {{"a", {{"with=equals", "four=4"}}}}},
      {"[a]\nk=v = w", {{"a", {{"k=v", "w"}}}}},
      {"[a]\nk == w", {{"a", {{"k", "= w"}}}}},
      {"[a]\nk = a  =  b", {{"a", {{"k", "a  =  b"}}}}},
      {"[a]\nspace key = v", {{"a", {{"space key", "v"}}}}},
      {"[a b]\nk = v", {{"a b", {{"k", "v"}}}}},
      {"[a]\nk = \"quoted\"", {{"a", {{"k", "\"quoted\""}}}}},
      // Comments.
      {"; c\n[a]\n  ; k = no\nk = v", {{"a", {{"k", "v"}}}}},
      {"[a]\nk = five ; six", {{"a", {{"k", "five"}}}}},
      {"[a]\nk = seven\t; eight", {{"a", {{"k", "seven"}}}}},
      {"[a]\nk = a;b", {{"a", {{"k", "a;b"}}}}},
      {"[a]\nurl = http://x/;y", {{"a", {{"url", "http://x/;y"}}}}},
      {"[a]\nonly ; x = y", {}},
      {"[a]\n# hash = yes", {{"a", {{"# hash", "yes"}}}}},
      // Keys without a value, values without a key, neither.
      {"[a]\nk =\nl=\nm =  ;c", {}},
      {"[a]\n= v", {}},
      {"[a]\nnosign", {}},
      // Lines may end in any way.
      {"[a]\r\nx = 1\r\ny = 2\rz = 3\n", {{"a", {{"x", "1"}, {"y", "2"}, {"z", "3"}}}}},
      // What is no section's name leaves the section as it is.
      {"[b]\n[bad\nq = 1\n[c]trail\nr = 1\n[]\ns = 1",
       {{"b", {{"q", "1"}, {"r", "1"}, {"s", "1"}}}}},
      // A section may come twice; the last value counts.
      {"[a]\nk = 1\n[b]\nk = 2\n[a]\nl = 3\nk = 4",
       {{"a", {{"k", "4"}, {"l", "3"}}}, {"b", {{"k", "2"}}}}},
  };
  for (const auto& [text, sections] : cases)
    EXPECT_EQ(without_empty(parsed(text)), sections) << text;
}

TEST(Ini, GoesOverWhatIsThere) {
  Sections sections = parsed("[a]\nkept = 1\nreplaced = 1\nempty_later = 1");
  parse_ini("[a]\nreplaced = 2\nempty_later =\n[b]\nnew = 3", sections);
  const Sections expected = {{"a", {{"kept", "1"}, {"replaced", "2"}, {"empty_later", "1"}}},
                             {"b", {{"new", "3"}}}};
  EXPECT_EQ(sections, expected);
}

TEST(Ini, OfTheLastFileWins) {
  const TemporaryFolder folder;
  const auto first = folder.write("first.ini", "[a]\nk = first\nl = first");
  const auto second = folder.write("second.ini", "[a]\nk = second");
  EXPECT_EQ((*read_ini_files({first, second}))["a"], (Section{{"k", "second"}, {"l", "first"}}));
  EXPECT_EQ((*read_ini_files({second, first}))["a"], (Section{{"k", "first"}, {"l", "first"}}));
}

TEST(Ini, FolderStandsForItsFilesInOrder) {
  const TemporaryFolder folder;
  folder.write("local.d/20-b.ini", "[a]\nk = 20\n20 = x");
  folder.write("local.d/10-a.ini", "[a]\nk = 10\n10 = x");
  folder.write("local.d/30-c.ini.bak", "[a]\nk = backup");
  folder.write("local.d/notes.txt", "[a]\nk = notes");
  const auto before = folder.write("local.ini", "[a]\nk = local\nlocal = x");
  EXPECT_EQ((*read_ini_files({before, folder.path() / "local.d"}))["a"],
            (Section{{"k", "20"}, {"10", "x"}, {"20", "x"}, {"local", "x"}}));
}

TEST(Ini, NamesTheFileThatCannotBeRead) {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "missing.ini";
  const auto read = read_ini_files({folder.write("there.ini", "[a]\nk = v"), missing});
  ASSERT_FALSE(read);
  EXPECT_TRUE(contains(read.error().reason, missing.string())) << read.error().reason;
}

}  // namespace
}  // namespace channels
