#include "ctrl/config/prefix.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <netinet/ether.h>
#include <optional>

#include "ctrl/config/words.hpp"
#include "lb/flow_key.hpp"

namespace braidway::ctrl {
namespace {

constexpr std::uint8_t ipv4_bits = 32;
constexpr std::uint8_t ipv6_bits = 128;

std::optional<std::uint8_t> length_in(std::string_view text, std::uint8_t most) {
  std::uint8_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool good = error == std::errc{} && end == text.data() + text.size() && length <= most;
  return good ? std::optional(length) : std::nullopt;
}

/// As the configuration writes it; `length` counts the bits of an IPv6 address.
std::string text_of(const lb::IpAddress& address, std::uint8_t length, bool is_ipv4) {
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(address.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<unsigned char>(address.low >> (56 - 8 * i));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const unsigned char* from = is_ipv4 ? bytes.data() + 12 : bytes.data();
  inet_ntop(is_ipv4 ? AF_INET : AF_INET6, from, text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(is_ipv4 ? length - (ipv6_bits - ipv4_bits) : length);
}

}  // namespace

tl::expected<lb::IpAddress, std::string> parse_address(std::string_view text) {
  const std::string copy(text);
  std::array<std::byte, 16> bytes{};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return lb::load_ipv4(bytes.data());
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return lb::load_ipv6(bytes.data());
  return tl::unexpected(in_quotes(text) + " is no IP address; 10.0.0.1 or fd00::1 would be");
}

tl::expected<std::array<std::uint8_t, 6>, std::string> parse_mac(std::string_view text) {
  ether_addr address{};
  std::array<std::uint8_t, 6> out{};
  // Six pairs of digits: fewer, and what follows them, are taken as well.
  if (text.size() != 17 || ether_aton_r(std::string(text).c_str(), &address) == nullptr) {
    return tl::unexpected(in_quotes(text) + " is no MAC address; 02:00:00:00:00:01 would be");
  }
  std::ranges::copy(address.ether_addr_octet, out.begin());
  return out;
}

tl::expected<lb::Prefix, std::string> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address_text(text.substr(0, slash));
  std::array<std::byte, 16> bytes{};
  const bool is_ipv4 = inet_pton(AF_INET, address_text.c_str(), bytes.data()) == 1;
  if (!is_ipv4 && inet_pton(AF_INET6, address_text.c_str(), bytes.data()) != 1) {
    return tl::unexpected(in_quotes(text) + " begins with no IP address; write 10.0.0.0/8 or fd00::/8");
  }
  const std::uint8_t bits = is_ipv4 ? ipv4_bits : ipv6_bits;
  const auto length =
      slash == std::string_view::npos ? std::optional(bits) : length_in(text.substr(slash + 1), bits);
  if (!length) {
    return tl::unexpected(in_quotes(text) + " has no length of 0 to " + std::to_string(bits) +
                          " behind the /");
  }
  const lb::IpAddress address = is_ipv4 ? lb::load_ipv4(bytes.data()) : lb::load_ipv6(bytes.data());
  const auto all = static_cast<std::uint8_t>(*length + (is_ipv4 ? ipv6_bits - ipv4_bits : 0));
  const lb::IpAddress mask = lb::mask_of(all);
  const lb::Prefix prefix{.address = {.high = address.high & mask.high, .low = address.low & mask.low},
                          .length = all};
  if (prefix.address != address) {
    return tl::unexpected(in_quotes(text) + " has address bits behind its length; write " +
                          text_of(prefix.address, all, is_ipv4));
  }
  return prefix;
}

}  // namespace braidway::ctrl
