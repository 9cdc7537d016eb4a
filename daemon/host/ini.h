// The ini files that CouchDB reads, in CouchDB's own dialect (config:parse_ini of 3.5): "[section]", "key = value"
// or "key=value", comments from ";" at a line's start or after a blank. A key without a value counts as
// absent; a later file wins. Read by IniHost and for root's files; under CouchDB the host answers.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/parsed.h"

namespace channels {

using Section = std::map<std::string, std::string, std::less<>>;
using Sections = std::map<std::string, Section, std::less<>>;

// An empty one where there is no such section.
const Section& section_of(const Sections& sections, std::string_view name);

// Puts what `text` says over what is in `sections`. Lines that are neither are left out, as CouchDB does. Pure.
void parse_ini(std::string_view text, Sections& sections);

// A folder stands for the *.ini in it, in the order of their names. Invalid names a file that cannot be read.
Parsed<Sections> read_ini_files(const std::vector<std::filesystem::path>& paths);

}  // namespace channels
