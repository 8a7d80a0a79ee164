#include "quartic/io/h5.hpp"

namespace quartic::io::h5 {
namespace {

Handle replace_attribute(File const& file, hid_t object, std::string const& name, hid_t type) {
  if (file.has_attribute(object, name)) {
    file.check(H5Adelete(object, name.c_str()), "H5Adelete");
  }
  Handle const scalar = file.own(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  return file.own(H5Acreate2(object, name.c_str(), type, scalar.id(), H5P_DEFAULT, H5P_DEFAULT),
                  H5Aclose, "H5Acreate2");
}

Handle text_type(File const& file) {
  Handle type = file.own(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  file.check(H5Tset_size(type.id(), H5T_VARIABLE), "H5Tset_size");
  file.check(H5Tset_cset(type.id(), H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

}  // namespace

bool File::has_attribute(hid_t object, std::string const& name) const {
  return check(H5Aexists(object, name.c_str()), "H5Aexists") > 0;
}

std::int64_t File::integer(hid_t object, std::string const& name) const {
  Handle const attribute = own(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  std::int64_t value = 0;
  check(H5Aread(attribute.id(), H5T_NATIVE_INT64, &value), "H5Aread");
  return value;
}

void File::set_integer(hid_t object, std::string const& name, std::int64_t value) const {
  Handle const attribute = replace_attribute(*this, object, name, H5T_STD_I64LE);
  check(H5Awrite(attribute.id(), H5T_NATIVE_INT64, &value), "H5Awrite");
}

double File::number(hid_t object, std::string const& name) const {
  Handle const attribute = own(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  double value = 0;
  check(H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, &value), "H5Aread");
  return value;
}

void File::set_number(hid_t object, std::string const& name, double value) const {
  Handle const attribute = replace_attribute(*this, object, name, H5T_IEEE_F64LE);
  check(H5Awrite(attribute.id(), H5T_NATIVE_DOUBLE, &value), "H5Awrite");
}

std::string File::text(hid_t object, std::string const& name) const {
  Handle const attribute = own(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  char* begin = nullptr;
  check(H5Aread(attribute.id(), text_type(*this).id(), &begin), "H5Aread");
  std::string text(begin == nullptr ? "" : begin);
  H5free_memory(begin);
  return text;
}

void File::set_text(hid_t object, std::string const& name, std::string const& text) const {
  Handle const type = text_type(*this);
  Handle const attribute = replace_attribute(*this, object, name, type.id());
  char const* const begin = text.c_str();
  check(H5Awrite(attribute.id(), type.id(), &begin), "H5Awrite");
}

}  // namespace quartic::io::h5
