// A small value that one thread writes and others read whole (a sequence lock; Boehm, "Can Seqlocks Get Along
// With Programming Language Memory Models?", MSPC 2012). The writer never waits. A reader that meets the
// writer at work tries again, a few times: a writer that has lost its core in the middle holds nobody up.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace braidway::telemetry {

template <typename T>
class Published {
  static_assert(std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>);

 public:
  Published() noexcept { publish(T{}); }

  /// By the writer alone.
  void publish(const T& value) noexcept {
    std::array<std::uint64_t, words> copy{};
    std::memcpy(copy.data(), &value, sizeof value);
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // Each word is a release, and no fence stands before all of them: ThreadSanitizer knows no fences. On
    // x86 both cost nothing.
    for (std::size_t i = 0; i < words; ++i) words_[i].store(copy[i], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }

  /// What was last published; nothing if the writer was at it each time.
  [[nodiscard]] std::optional<T> read() const noexcept {
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const std::uint32_t version = version_.load(std::memory_order_acquire);
      std::array<std::uint64_t, words> copy;
      for (std::size_t i = 0; i < words; ++i) copy[i] = words_[i].load(std::memory_order_acquire);
      if (version % 2 == 0 && version_.load(std::memory_order_relaxed) == version) {
        T value;
        std::memcpy(static_cast<void*>(&value), copy.data(), sizeof value);
        return value;
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t words = (sizeof(T) + 7) / 8;
  static constexpr int attempts = 64;

  std::atomic<std::uint32_t> version_{0};
  std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace braidway::telemetry
