#include <gtest/gtest.h>

#include <filesystem>

#include "host/settings.h"
#include "unit/support/temporary_folder.h"
#include "unit/support/text.h"

namespace channels {
namespace {

using std::filesystem::perms;

void set_mode(const std::filesystem::path& file, unsigned mode) {
  std::filesystem::permissions(file, static_cast<perms>(mode));
}

struct Read {
  Sections sections;
  std::vector<std::string> warnings;
};

Read read(const TemporaryFolder& folder) {
  Read result;
  auto sections = read_trusted_files(folder.path().string(), geteuid(), result.warnings);
  EXPECT_TRUE(sections) << sections.error().reason;
  if (sections) result.sections = *sections;
  return result;
}

TEST(TrustedFiles, AreReadIfNobodyElseMayWriteThem) {
  for (const unsigned mode : {0600U, 0640U, 0644U, 0444U, 0755U}) {
    const TemporaryFolder folder;
    set_mode(folder.write("mail.ini", "[channels_mail]\nsendmail = /bin/mine"), mode);
    const Read result = read(folder);
    EXPECT_EQ(result.sections.at("channels_mail").at("sendmail"), "/bin/mine") << mode;
    EXPECT_TRUE(result.warnings.empty());
  }
}

TEST(TrustedFiles, AreIgnoredAloudIfOthersMayWriteThem) {
  for (const unsigned mode : {0666U, 0664U, 0602U, 0620U}) {
    const TemporaryFolder folder;
    const auto file = folder.write("mail.ini", "[channels_mail]\nsendmail = /tmp/evil");
    set_mode(file, mode);
    const Read result = read(folder);
    EXPECT_TRUE(result.sections.empty()) << mode;
    ASSERT_EQ(result.warnings.size(), 1U);
    EXPECT_TRUE(contains(result.warnings[0], file.string() + " is ignored")) << result.warnings[0];
  }
}

TEST(TrustedFiles, AreJudgedByWhatALinkLeadsTo) {
  const TemporaryFolder elsewhere;
  const auto target = elsewhere.write("evil.ini", "[channels_mail]\nsendmail = /tmp/evil");
  set_mode(target, 0666);
  const TemporaryFolder folder;
  std::filesystem::create_symlink(target, folder.path() / "mail.ini");
  EXPECT_TRUE(read(folder).sections.empty());
}

TEST(TrustedFiles, AreIgnoredAloudInAFolderThatOthersMayWrite) {
  for (const unsigned mode : {0777U, 0775U, 01777U}) {
    const TemporaryFolder folder;
    set_mode(folder.write("mail.ini", "[channels_mail]\nsendmail = /bin/mine"), 0644);
    set_mode(folder.path(), mode);
    const Read result = read(folder);
    EXPECT_TRUE(result.sections.empty()) << mode;
    ASSERT_EQ(result.warnings.size(), 1U);
    EXPECT_TRUE(contains(result.warnings[0], folder.path().string() + " is ignored")) << result.warnings[0];
  }
}

TEST(TrustedFiles, AreRootsAndNotThoseOfWhomTheDaemonRunsAs) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, who alone can give files away";
  constexpr uid_t couchdb = 65534;
  const TemporaryFolder folder;
  const auto file = folder.write("mail.ini", "[channels_mail]\nsendmail = /tmp/evil");
  set_mode(file, 0644);
  std::vector<std::string> warnings;
  const auto keys = [&] { return read_trusted_files(folder.path().string(), 0, warnings)->size(); };
  EXPECT_EQ(keys(), 1U);
  ASSERT_EQ(chown(file.c_str(), couchdb, couchdb), 0);
  EXPECT_EQ(keys(), 0U);
  EXPECT_EQ(warnings.size(), 1U);
  // As CouchDB's user itself would read it.
  ASSERT_EQ(seteuid(couchdb), 0);
  EXPECT_EQ(keys(), 0U);
  ASSERT_EQ(seteuid(0), 0);
  // Nor in a folder of that user's.
  ASSERT_EQ(chown(file.c_str(), 0, 0), 0);
  ASSERT_EQ(chown(folder.path().c_str(), couchdb, couchdb), 0);
  EXPECT_EQ(keys(), 0U);
}

TEST(TrustedFiles, ComeInTheOrderOfTheirNames) {
  const TemporaryFolder folder;
  set_mode(folder.write("20.ini", "[a]\nk = 20"), 0644);
  set_mode(folder.write("10.ini", "[a]\nk = 10\nl = 10"), 0644);
  set_mode(folder.write("30.txt", "[a]\nk = 30"), 0644);
  EXPECT_EQ(read(folder).sections.at("a"), (Section{{"k", "20"}, {"l", "10"}}));
}

TEST(TrustedFiles, MayBeNone) {
  std::vector<std::string> warnings;
  const auto sections = read_trusted_files("/nonexistent/couchdb-channels", geteuid(), warnings);
  ASSERT_TRUE(sections);
  EXPECT_TRUE(sections->empty());
  EXPECT_TRUE(warnings.empty());
}

}  // namespace
}  // namespace channels
