// Frames of a classic pcap file (little-endian, microseconds), for tests over captures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace braidway::tests {

/// All frames of `path`; throws std::runtime_error where the file is not what it should be.
inline std::vector<std::vector<std::byte>> read_pcap(const std::string& path) {
  constexpr std::uint32_t magic_little_endian = 0xa1b2c3d4;
  constexpr std::size_t max_frame_bytes = 1U << 16;
  struct FileHeader {
    std::uint32_t magic;
    std::uint16_t major, minor;
    std::uint32_t zone, accuracy, snap_length, link_type;
  };
  struct FrameHeader {
    std::uint32_t seconds, microseconds, captured, length;
  };
  std::ifstream file{path, std::ios::binary};
  const auto read = [&file](auto& into) {
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&into), sizeof(into)));
  };
  FileHeader header{};
  if (!read(header) || header.magic != magic_little_endian || header.link_type != 1) {
    throw std::runtime_error{path + ": no little-endian Ethernet pcap"};
  }
  std::vector<std::vector<std::byte>> frames;
  for (FrameHeader frame{}; read(frame);) {
    if (frame.captured != frame.length || frame.captured > max_frame_bytes) {
      throw std::runtime_error{path + ": a frame is cut short or too long"};
    }
    auto& bytes = frames.emplace_back(frame.captured);
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
      throw std::runtime_error{path + ": ends within a frame"};
    }
  }
  return frames;
}

}  // namespace braidway::tests
