#include "telemetry/roce.hpp"

#include <array>
#include <cstring>

#include <gtest/gtest.h>

namespace braidway::telemetry {
namespace {

TEST(Bth, IsReadFieldByField) {
  constexpr std::array<std::uint8_t, bth_bytes> wire{0x0a, 0x60, 0xff, 0xff, 0x40, 0x01,
                                                     0x02, 0x03, 0x80, 0xfe, 0xdc, 0xba};
  Bth bth{};
  std::memcpy(&bth, wire.data(), wire.size());
  EXPECT_EQ(lb::value(dest_qpn(bth)), 0x010203U);
  EXPECT_EQ(psn(bth), 0xfedcbaU);
  EXPECT_EQ(pad_bytes(bth), 2U);
  EXPECT_EQ(transport_version(bth), 0U);
  EXPECT_TRUE(ack_requested(bth));
}

TEST(Opcodes, HaveTheExtendedHeadersOfTheStandard) {
  struct Case {
    std::uint8_t opcode;
    std::size_t bytes;
  };
  // Written from the standard's table (wire-formats 5.3), apart from the code's own table.
  constexpr std::array cases{Case{0x00, 0},  Case{0x01, 0},  Case{0x02, 0},  Case{0x03, 4},  Case{0x04, 0},
                             Case{0x05, 4},  Case{0x06, 16}, Case{0x07, 0},  Case{0x08, 0},  Case{0x09, 4},
                             Case{0x0a, 16}, Case{0x0b, 20}, Case{0x0c, 16}, Case{0x0d, 4},  Case{0x0e, 0},
                             Case{0x0f, 4},  Case{0x10, 4},  Case{0x11, 4},  Case{0x12, 12}, Case{0x13, 28},
                             Case{0x14, 28}, Case{0x16, 4},  Case{0x17, 4},  Case{0x20, 0},  Case{0x21, 0},
                             Case{0x22, 0},  Case{0x23, 4},  Case{0x24, 0},  Case{0x25, 4},  Case{0x26, 16},
                             Case{0x27, 0},  Case{0x28, 0},  Case{0x29, 4},  Case{0x2a, 16}, Case{0x2b, 20},
                             Case{0x64, 8},  Case{0x65, 12}, Case{0x81, 16}};
  std::array<bool, 256> known{};
  for (const auto& [opcode, bytes] : cases) {
    EXPECT_TRUE(is_known(opcode)) << unsigned{opcode};
    EXPECT_EQ(extension_bytes(opcode), bytes) << unsigned{opcode};
    known[opcode] = true;
  }
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    EXPECT_EQ(is_known(static_cast<std::uint8_t>(opcode)), known[opcode]) << opcode;
  }
}

TEST(Opcodes, BelongToTheClassOfTheirTransport) {
  EXPECT_EQ(transport_class(0x11), TransportClass::rc);
  EXPECT_EQ(transport_class(0x2a), TransportClass::uc);
  EXPECT_EQ(transport_class(0x4a), TransportClass::other);
  EXPECT_EQ(transport_class(0x64), TransportClass::ud);
  EXPECT_EQ(transport_class(0x81), TransportClass::cnp);
  EXPECT_EQ(transport_class(0x80), TransportClass::other);
  EXPECT_EQ(transport_class(0xff), TransportClass::other);
}

}  // namespace
}  // namespace braidway::telemetry
