#include "mail/templates.h"

#include <gtest/gtest.h>

#include "unit/support/temporary_folder.h"
#include "unit/support/text.h"

namespace channels {
namespace {

const std::string kinds[] = {"confirm", "collective", "device_active", "device_revoked"};
const std::string languages[] = {"de", "en", "es"};

const std::string link = "https://sync.example.com/_utils/channels/confirm.html#0123.abcd";

Values values(const std::string& name) {
  return {{"device_name", name}, {"link", link}, {"hours_valid", "23"}, {"known", ""}};
}

bool has_link(const std::string& kind) {
  return kind == "confirm" || kind == "collective";
}

bool shows_name(const std::string& kind) {
  return kind != "collective";
}

Templates built_in() {
  auto templates = Templates::load(std::nullopt);
  EXPECT_TRUE(templates);
  return std::move(templates.value());
}

TEST(Templates, RenderEveryKindInEveryLanguage) {
  const Templates templates = built_in();
  for (const std::string& kind : kinds) {
    for (const std::string& language : languages) {
      for (const std::string name : {"Anna phone", ""}) {
        SCOPED_TRACE(language + "/" + kind + " \"" + name + "\"");
        const Rendered mail = templates.render(kind, language, values(name));
        EXPECT_EQ(mail.language, language);
        EXPECT_FALSE(mail.subject.empty());
        EXPECT_FALSE(contains(mail.subject, "\n"));
        EXPECT_TRUE(contains(mail.html, "<html lang=\"" + language + "\">"));
        for (const std::string& part : {mail.text, mail.html}) {
          EXPECT_FALSE(contains(part, "{{"));
          EXPECT_FALSE(contains(part, "false"));
          if (has_link(kind)) {
            EXPECT_TRUE(contains(part, link));
            EXPECT_TRUE(contains(part, "23"));
          }
          EXPECT_EQ(contains(part, "Anna phone"), shows_name(kind) && !name.empty());
        }
        // A mail without the name has no quotes around nothing.
        if (name.empty()) {
          EXPECT_FALSE(contains(mail.text, "\"\""));
          EXPECT_FALSE(contains(mail.text, "\u201e\u201c"));
          EXPECT_FALSE(contains(mail.text, "\u00ab\u00bb"));
        }
      }
    }
  }
}

TEST(Templates, DifferByLanguage) {
  const Templates templates = built_in();
  for (const std::string& kind : kinds) {
    const std::string english = templates.render(kind, "en", values("")).text;
    EXPECT_NE(templates.render(kind, "de", values("")).text, english);
    EXPECT_NE(templates.render(kind, "es", values("")).text, english);
  }
}

TEST(Templates, ChooseTheLanguageOfALocale) {
  const Templates templates = built_in();
  const std::pair<std::string, std::string> cases[] = {
      {"de", "de"},       {"de-AT", "de"}, {"de_CH", "de"}, {"DE", "de"},       {"es-419", "es"},
      {"de.UTF-8", "de"}, {"en-GB", "en"}, {"fr", "en"},    {"", "en"},         {"-", "en"},
      {"d", "en"},        {"deu", "en"},   {"../de", "en"}, {"de/../es", "en"}, {"\xff", "en"},
      {"de\r\nX", "en"},  {"C", "en"}};
  for (const auto& [locale, language] : cases)
    EXPECT_EQ(templates.render("confirm", locale, values("")).language, language) << locale;
}

TEST(Templates, EscapeForHtmlOnly) {
  const std::string name = "<script>alert(\"1\")</script> & Co";
  const Rendered mail = built_in().render("confirm", "en", values(name));
  EXPECT_TRUE(contains(mail.text, name));
  EXPECT_FALSE(contains(mail.html, "<script"));
  EXPECT_TRUE(contains(mail.html, "&lt;script&gt;"));
  EXPECT_TRUE(contains(mail.html, "&amp; Co"));
}

TEST(Templates, DoNotRunWhatIsInAValue) {
  const Rendered mail = built_in().render("confirm", "en", values("{{link}} {{#known}}"));
  EXPECT_TRUE(contains(mail.text, "\"{{link}} {{#known}}\""));
}

TEST(Templates, OfTheOperatorsFolderReplaceOneFileEach) {
  const TemporaryFolder folder;
  folder.write("de/confirm.txt", "Subject: Hallo\n\nNimm {{link}}");
  folder.write("de/README", "{{#not a template");
  const auto templates = Templates::load(folder.path());
  ASSERT_TRUE(templates) << templates.error().reason;
  const Rendered mine = templates->render("confirm", "de", values(""));
  EXPECT_EQ(mine.subject, "Hallo");
  EXPECT_EQ(mine.text, "Nimm " + link);
  const Templates others = built_in();
  EXPECT_EQ(mine.html, others.render("confirm", "de", values("")).html);
  EXPECT_EQ(templates->render("confirm", "en", values("")).text,
            others.render("confirm", "en", values("")).text);
  EXPECT_EQ(templates->render("device_active", "de", values("")).text,
            others.render("device_active", "de", values("")).text);
}

TEST(Templates, MayHaveALanguageOfTheOperators) {
  const TemporaryFolder folder;
  folder.write("fr/confirm.txt", "Subject: Confirmez\n\n{{link}}");
  EXPECT_EQ(Templates::load(folder.path())->render("confirm", "fr", values("")).language,
            "en");  // half a mail is none
  folder.write("fr/confirm.html", "<p>{{link}}</p>");
  const auto templates = Templates::load(folder.path());
  ASSERT_TRUE(templates);
  EXPECT_EQ(templates->render("confirm", "fr-CA", values("")).subject, "Confirmez");
  EXPECT_EQ(templates->render("device_active", "fr-CA", values("")).language, "en");
}

TEST(Templates, NameTheFileThatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"en/confirm.txt", "Subject: x\n\n{{#device_name}} never closed"},
      {"en/confirm.html", "<p>{{/device_name}}</p>"},
      {"es/collective.txt", "no subject\n\ntext"},
      {"de/device_active.txt", "Subject: only that\n"},
      {"de/device_revoked.txt", ""},
  };
  for (const auto& [name, text] : cases) {
    const TemporaryFolder folder;
    const auto file = folder.write(name, text);
    const auto templates = Templates::load(folder.path());
    ASSERT_FALSE(templates) << name;
    EXPECT_TRUE(contains(templates.error().reason, file.string())) << templates.error().reason;
  }
}

TEST(Templates, RefuseOneThatLosesItsTextWhenFilledIn) {
  const TemporaryFolder folder;
  folder.write("en/confirm.txt", "Subject: x{{#known}}\n\n{{/known}}{{link}}");
  EXPECT_FALSE(Templates::load(folder.path()));
}

TEST(Templates, SayWhichFolderIsMissing) {
  const auto templates = Templates::load("/nonexistent/templates");
  ASSERT_FALSE(templates);
  EXPECT_TRUE(contains(templates.error().reason, "/nonexistent/templates"))
      << templates.error().reason;
}

}  // namespace
}  // namespace channels
