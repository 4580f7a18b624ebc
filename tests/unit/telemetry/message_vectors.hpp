// The messages in tests/data/messages.hex, written by hand.
#pragma once

#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "telemetry/message.hpp"

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
      for (std::size_t at = 0; at + 1 < word.size(); at += 2) {
        const auto byte = static_cast<std::uint8_t>(std::stoul(word.substr(at, 2), nullptr, 16));
        if (is_key) {
          vector.key.bytes.at(at / 2) = byte;
        } else {
          vector.bytes.push_back(static_cast<std::byte>(byte));
        }
      }
    }
  }
  if (vector.name != name) throw std::runtime_error("there is no message " + name);
  return vector;
}

/// Makes the authenticator right again, as only who has the key can.
inline void seal(std::vector<std::byte>& message, const MessageKey& key) {
  message.resize(message.size() - authenticator_bytes);
  const auto code = authenticator(message, key);
  message.insert(message.end(), code.begin(), code.end());
}

}  // namespace braidway::telemetry
