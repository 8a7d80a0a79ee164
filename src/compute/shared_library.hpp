#pragma once

#include <dlfcn.h>

#include <initializer_list>
#include <string>

#include "quartic/core/check.hpp"

namespace quartic::compute {

/// A library that is opened while the program runs, and stays open: the first of `names` that there
/// is. So the program starts where it is missing, and needs none of its headers.
class SharedLibrary {
 public:
  explicit SharedLibrary(std::initializer_list<char const*> names) {
    for (char const* const name : names) {
      handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) {
        name_ = name;
        return;
      }
    }
  }

  bool is_open() const { return handle_ != nullptr; }
  std::string const& name() const { return name_; }

  /// The function of that name. Failure where the library has none.
  template <class Function>
  Function* function(char const* symbol) const {
    void* const address = dlsym(handle_, symbol);
    if (address == nullptr) failure("{} has no function {}", name_, symbol);
    return reinterpret_cast<Function*>(address);
  }

 private:
  void* handle_ = nullptr;
  std::string name_;
};

}  // namespace quartic::compute
