// Where the DWARF and the symbols of a stripped file are kept.
//
// For /usr/bin/app with build id ab12… and a .gnu_debuglink "app.debug", in this order, first in the root directory of
// the traced process, then in the tracer's own:
//
//   /usr/lib/debug/.build-id/ab/12….debug     (build id)
//   /usr/bin/app.debug                        (debuglink, from here on)
//   /usr/bin/.debug/app.debug
//   /usr/lib/debug/usr/bin/app.debug
//
// A file is taken only if it belongs to the program: its build id is the same where both have one, and its CRC-32 is
// the link's where it was found by the link. Paths of a traced process are resolved within its root, so that its
// symbolic links lead to where they lead for itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "elf.h"
#include "elf_image.h"
#include "unique_fd.h"

namespace mp {

// The image must outlive the ElfFile, which shows it.
struct OpenElf {
  std::shared_ptr<const ElfImage> image;
  std::unique_ptr<ElfFile> file;
  std::string path;
};

// The root directories in which files are searched. Opened once, because /proc/PID/root ends with its process.
class SearchRoots {
 public:
  // `root`: of the traced process, "" or "/" if it is the tracer's.
  explicit SearchRoots(const std::string &root);

  // A regular file, opened without waiting; the `index`th root, of size().
  UniqueFd open(size_t index, const std::string &path) const;
  size_t size() const { return target_ ? 2 : 1; }

 private:
  UniqueFd target_;
  UniqueFd own_;
};

// nullopt if it is no ELF file that can be used.
std::optional<OpenElf> open_elf(int fd, std::string path);

struct DebugFileQuery {
  std::string path;      // of the stripped file, as its process sees it
  std::string build_id;  // lower-case hex, or "": unknown
  std::optional<std::pair<std::string, uint32_t>> debuglink;
};

std::optional<OpenElf> find_debug_file(const SearchRoots &roots, const DebugFileQuery &query);

// What `link`, found in the file `from_path`, refers to; nullptr if it isn't there.
std::shared_ptr<const ElfImage> find_alternate_file(const SearchRoots &roots, const AltLink &link,
                                                    const std::string &from_path);

}  // namespace mp
