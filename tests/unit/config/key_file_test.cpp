#include "ctrl/config/key_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace braidway::ctrl {
namespace {

/// A key file in a folder that goes with it.
class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "bw-key-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path = (folder_ / "gw.key").string();
  }
  ~KeyFileTest() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  [[nodiscard]] std::string error() const {
    const auto key = read_key(path);
    return key ? std::string{} : key.error();
  }

  std::string path;

 private:
  std::filesystem::path folder_;
};

constexpr const char* digits = "000102030405060708090a0b0c0d0eFf";

TEST_F(KeyFileTest, HoldsTheBytesAsHexadecimalDigits) {
  for (const std::string end : {"", "\n"}) {
    write(digits + end);
    const auto key = read_key(path);
    ASSERT_TRUE(key) << key.error();
    for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(key->bytes[i], i);
    EXPECT_EQ(key->bytes[15], 0xff);
  }
}

TEST_F(KeyFileTest, ThatIsNotThereSaysHowToMakeOne) {
  EXPECT_NE(error().find("No such file"), std::string::npos) << error();
  EXPECT_NE(error().find("openssl rand -hex 16 > " + path), std::string::npos) << error();
}

TEST_F(KeyFileTest, ThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0640U, 0604U, 0660U, 0610U}) {
    write(digits, mode);
    EXPECT_NE(error().find("chmod 600 " + path), std::string::npos) << mode << ": " << error();
  }
}

TEST_F(KeyFileTest, HoldsNothingElse) {
  const std::string key(digits);
  for (const std::string& text : {std::string{}, key.substr(1), key + "0", key + "\n\n", key + " ",
                                  "0x" + key.substr(2), "-" + key.substr(1), std::string(32, 'g')}) {
    write(text);
    EXPECT_NE(error().find("32 hexadecimal digits"), std::string::npos) << "'" << text << "': " << error();
  }
}

TEST_F(KeyFileTest, IsAFile) {
  std::filesystem::create_directory(path);
  EXPECT_NE(error().find("is no file"), std::string::npos) << error();
}

TEST_F(KeyFileTest, WrongOnesAreToldAtTheirPlace) {
  auto config = parse_config(
      "gateway: {name: a, id: 1}\nmode: wire\nworkers: [{core: 0}]\n"
      "ports: [{name: h, role: host}, {name: f, role: fabric}]\n"
      "peers: [{name: b, id: 2, paths: [{port: f}], messages: {key_file: \"" +
          path + "\"}}]\n",
      "c.yaml");
  ASSERT_TRUE(config) << config.error().front().to_string();
  const auto errors = read_keys(*config);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].to_string().find("c.yaml:5:67: key file '" + path + "' cannot be read"), 0U)
      << errors[0].to_string();
  write(digits);
  EXPECT_TRUE(read_keys(*config).empty());
  EXPECT_EQ(config->gateway.peers[0].messages->key.bytes[15], 0xff);
}

}  // namespace
}  // namespace braidway::ctrl
