// The addon's one error type. binding.cc turns it into a JavaScript Error with the same three facts.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace mp {

class Error : public std::runtime_error {
 public:
  // `code` is stable and for programs ("NO_PERMISSION"), `operation` says what was tried, `error_number` is an errno.
  Error(std::string code, const std::string &operation, int error_number)
      : std::runtime_error(error_number ? operation + ": " + std::strerror(error_number) : operation),
        code_(std::move(code)),
        error_number_(error_number) {}

  const std::string &code() const { return code_; }
  int error_number() const { return error_number_; }

 private:
  std::string code_;
  int error_number_;
};

}  // namespace mp
