/*
 * The sample of `make demo`: a small document pipeline with a known leak. Every 50th document is parked "for later" and
 * never freed.
 *
 *   Pipeline::park   20 blocks of 65536 bytes   the leak, and the top row of `mp table --leaks`
 */
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Document {
  std::string title;
  std::vector<std::string> words;
};

class Pipeline {
 public:
  void run(int documents) {
    for (int i = 0; i < documents; i++) {
      const Document document = parse(i);
      index(document);
      if (i % 50 == 0) park(document);
    }
  }

 private:
  Document parse(int number) {
    Document document;
    document.title = "document number " + std::to_string(number) + " of the daily delivery";
    for (int i = 0; i < 64; i++) document.words.push_back(document.title + " word " + std::to_string(i));
    return document;
  }

  void index(const Document &document) {
    for (const std::string &word : document.words) total_ += word.size();
    index_.push_back(document.title);
  }

  __attribute__((noinline)) void park(const Document &document) {
    char *copy = static_cast<char *>(malloc(65536));
    memcpy(copy, document.title.c_str(), document.title.size() + 1);
    parked_ = copy; /* the one before is lost */
  }

  size_t total_ = 0;
  char *volatile parked_ = nullptr;
  std::vector<std::string> index_;
};

}  // namespace

int main() { Pipeline().run(1000); }
