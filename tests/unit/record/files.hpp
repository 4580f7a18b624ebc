// A folder of a test's own, and a small trace in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdlib.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ctrl/record/trace_file.hpp"

namespace braidway::ctrl::record {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "trace-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::byte> bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> read{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes;
  bytes.reserve(read.size());
  for (const char each : read) bytes.push_back(static_cast<std::byte>(each));
  return bytes;
}

inline TraceHeader header_of(std::size_t paths) {
  TraceHeader header{.gateway = "gw-a", .peer = "gw-b", .paths = {}};
  for (std::size_t i = 0; i < paths; ++i) {
    header.paths.push_back({.name = "fabric" + std::to_string(i), .capacity = 12.5});
  }
  return header;
}

/// Two blocks of messages of three paths, the second of three messages.
inline std::vector<std::byte> small_trace() {
  const Folder folder;
  const std::string file = folder.file("small.trace");
  auto writer = TraceWriter::create(file, header_of(3));
  for (const std::int64_t time : {5, 1'000'000'005, 1'000'000'006, 1'000'000'007, 1'000'000'008}) {
    EXPECT_TRUE(writer->append(lb::Nanoseconds{time}, std::vector<Heard>{{1'000, 20, 30}, {}, {7, -1, -1}}));
  }
  EXPECT_TRUE(writer->close());
  return bytes_of(file);
}

}  // namespace braidway::ctrl::record
