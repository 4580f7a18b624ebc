#include "ctrl/collect/socket.hpp"

#include <gtest/gtest.h>

namespace braidway::ctrl::collect {
namespace {

TEST(Endpoint, IsReadAndWrittenAsPeopleWriteIt) {
  for (const char* text : {"127.0.0.1:32766", "0.0.0.0:0", "[::]:65535", "[fd00::1]:1"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(Endpoint, AnythingElseIsRefusedWithWhatWouldBeRight) {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:1x", "127.0.0.1: 1", "localhost:32766", "127.0.0:1", "::1:32766",
                           "[127.0.0.1]:1", "[::1]", "[::1:1", "[]:1", "[fe80::1%lo]:1"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_NE(endpoint.error().find("127.0.0.1:32766"), std::string::npos);
  }
}

}  // namespace
}  // namespace braidway::ctrl::collect
