// The messages in tests/data/messages.hex, written by hand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "telemetry/message.hpp"
#include "tests/unit/telemetry/hex.hpp"

namespace braidway::telemetry {

struct MessageVector {
  std::string name;
  MessageKey key;
  std::vector<std::byte> bytes;
};

inline MessageVector message_vector(const std::string& name) {
  std::ifstream file(BRAIDWAY_TEST_DATA "/messages.hex");
  MessageVector vector;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    while (words >> word) {
      if (word == "message") {
        if (vector.name == name) return vector;
        vector = {};
        words >> vector.name;
        continue;
      }
      const bool is_key = word == "key";
      if (is_key) words >> word;
      const auto bytes = bytes_of_hex(word);
      if (is_key) {
        std::ranges::transform(bytes, vector.key.bytes.begin(),
                               [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
      } else {
        vector.bytes.insert(vector.bytes.end(), bytes.begin(), bytes.end());
      }
    }
  }
  if (vector.name != name) throw std::runtime_error("there is no message " + name);
  return vector;
}

/// Makes the authenticator right again, as only who has the key can.
inline void seal(std::vector<std::byte>& message, const MessageKey& key) {
  message.erase(message.end() - authenticator_bytes, message.end());
  const auto code = authenticator(message, key);
  message.insert(message.end(), code.begin(), code.end());
}

}  // namespace braidway::telemetry
