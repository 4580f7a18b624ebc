// mixed-verbs: WRITE, SEND, READ and FETCH_ADD on one RC queue pair, both ends at once, every byte checked.
//
//   mixed-verbs [options]           the server: waits for a client
//   mixed-verbs [options] ADDRESS   the client
//
// perftest runs one kind of operation at a time. Here each end keeps a window of all four kinds outstanding,
// in an order and of sizes that follow from its seed (mixed_plan.hpp). Checked is that
//   - every work request succeeds, and they complete in the order they were posted in;
//   - a READ returns what is there, WRITEs of its own queue pair before it included;
//   - FETCH_ADD returns the sum of the addends before it;
//   - SENDs arrive in order, whole, and when one arrives, every WRITE before it has;
//   - in the end the memory the other may write to holds what its operations say, and nothing else has
//   changed.
// PSNs begin shortly before they wrap. Exit codes: 0 all right; 1 not, or could not start; others: the
// command line is wrong.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "tests/lab/mixed_plan.hpp"
#include "tests/lab/mixed_queue_pair.hpp"

namespace {

using namespace braidway::lab;

constexpr std::uint32_t first_psn = 0xffff80;
constexpr const char* names[] = {"WRITE", "SEND", "READ", "FETCH_ADD"};

std::string describe(const Plan& plan, std::size_t number) {
  const Operation& it = plan.operations[number];
  return std::string{names[static_cast<std::size_t>(it.kind)]} + " of " + std::to_string(it.bytes) +
         " bytes, operation " + std::to_string(number);
}

void compare(std::span<const std::uint8_t> expected, std::span<const std::uint8_t> found,
             const std::string& what) {
  const auto [right, wrong] = std::mismatch(expected.begin(), expected.end(), found.begin());
  if (right == expected.end()) return;
  throw std::runtime_error{what + ": byte " + std::to_string(right - expected.begin()) + " is " +
                           std::to_string(*wrong) + " and not " + std::to_string(*right)};
}

/// One end: it does `ours_` to the other end, which does `theirs_` to it.
class End {
 public:
  End(const Settings& settings, Connection& connection)
      : settings_{settings},
        connection_{connection},
        ours_{settings.seed, settings.operations, settings.largest},
        theirs_{settings.seed ^ 1U, settings.operations, settings.largest},
        far_{untouched(ours_)},
        near_{untouched(theirs_)},
        exposed_{near_},
        local_(std::size_t{settings.window} * slot_bytes() + theirs_.received_bytes),
        pair_{settings, exposed_, local_, settings.operations} {}

  void run() {
    for (std::size_t number = 0; number < theirs_.operations.size(); ++number) {
      if (theirs_.operations[number].kind == Kind::send) pair_.post_receive(number, received(number));
    }
    Contact mine{.seed = settings_.seed,
                 .operations = settings_.operations,
                 .largest = settings_.largest,
                 .psn = first_psn};
    pair_.describe(mine);
    contact_ = connection_.exchange(mine);
    if (contact_.seed != theirs_.seed || contact_.operations != mine.operations ||
        contact_.largest != mine.largest) {
      throw std::runtime_error{"the ends were not started with the same --operations, --size and --seed"};
    }
    pair_.connect(mine, contact_);
    connection_.meet();
    while (completed_ < ours_.operations.size() || seen_ < theirs_.operations.size()) {
      while (posted_ < ours_.operations.size() && posted_ - completed_ < settings_.window) post_next();
      for (const ibv_wc& completion : pair_.completions(connection_)) {
        if ((completion.opcode & IBV_WC_RECV) != 0) {
          take_send(completion);
        } else {
          take_completion(completion);
        }
      }
    }
    connection_.meet();  // what the other end was told is done has been done here
    compare(near_, exposed_, "the exposed memory in the end");
    connection_.meet();
  }

  void report(std::ostream& out) const {
    for (const auto& [plan, verb] : {std::pair{&ours_, "did"}, std::pair{&theirs_, "got"}}) {
      out << "mixed-verbs: " << verb;
      for (std::size_t kind = 0; kind < std::size(names); ++kind) {
        std::uint64_t count = 0;
        std::uint64_t bytes = 0;
        for (const Operation& it : plan->operations) {
          if (static_cast<std::size_t>(it.kind) != kind) continue;
          ++count;
          bytes += it.bytes;
        }
        out << (kind == 0 ? " " : ", ") << count << " x " << names[kind] << " (" << bytes << " bytes)";
      }
      out << '\n';
    }
  }

 private:
  /// Of the local memory that an outstanding operation has.
  [[nodiscard]] std::size_t slot_bytes() const {
    return std::max<std::size_t>((settings_.largest + 7) / 8 * 8, sizeof(std::uint64_t));
  }

  std::span<std::uint8_t> slot(std::size_t number) {
    return std::span{local_}.subspan(number % settings_.window * slot_bytes(),
                                     ours_.operations[number].bytes);
  }

  std::span<std::uint8_t> received(std::size_t number) {
    const Operation& it = theirs_.operations[number];
    return std::span{local_}.subspan(std::size_t{settings_.window} * slot_bytes() + it.place, it.bytes);
  }

  void post_next() {
    const Operation& next = ours_.operations[posted_];
    ibv_send_wr request{};
    request.wr_id = posted_;
    const std::uint64_t address = contact_.exposed + next.place;
    switch (next.kind) {
      case Kind::write:
      case Kind::read:
        request.opcode = next.kind == Kind::write ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ;
        request.wr.rdma.remote_addr = address;
        request.wr.rdma.rkey = contact_.rkey;
        break;
      case Kind::send:
        request.opcode = IBV_WR_SEND;
        break;
      case Kind::fetch_add:
        request.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
        request.wr.atomic.remote_addr = address;
        request.wr.atomic.compare_add = next.addend;
        request.wr.atomic.rkey = contact_.rkey;
        break;
    }
    const auto bytes = slot(posted_);
    if (next.kind == Kind::write || next.kind == Kind::send) {
      std::ranges::copy(payload(ours_, posted_), bytes.begin());
    } else {
      std::ranges::fill(bytes, std::uint8_t{0});
    }
    apply(ours_, posted_, far_);
    pair_.post(request, bytes);
    ++posted_;
  }

  void take_completion(const ibv_wc& completion) {
    const std::size_t number = completed_++;
    if (completion.wr_id != number) {
      throw std::runtime_error{"operation " + std::to_string(completion.wr_id) + " completed before " +
                               describe(ours_, number)};
    }
    const Operation& done = ours_.operations[number];
    if (done.kind == Kind::read) {
      compare(std::span{far_}.subspan(done.place, done.bytes), slot(number), describe(ours_, number));
    } else if (done.kind == Kind::fetch_add) {
      std::uint64_t before = 0;
      std::memcpy(&before, slot(number).data(), sizeof(before));
      if (before != done.before) {
        throw std::runtime_error{describe(ours_, number) + ": returned " + std::to_string(before) +
                                 " and not " + std::to_string(done.before)};
      }
    }
  }

  /// A SEND has arrived, and so must have what was done before it.
  void take_send(const ibv_wc& completion) {
    const std::size_t number = completion.wr_id;
    if (completion.byte_len != theirs_.operations[number].bytes) {
      throw std::runtime_error{describe(theirs_, number) + ": arrived with " +
                               std::to_string(completion.byte_len)};
    }
    compare(payload(theirs_, number), received(number), describe(theirs_, number));
    for (; seen_ <= number; ++seen_) {
      const Operation& it = theirs_.operations[seen_];
      apply(theirs_, seen_, near_);
      if (it.kind != Kind::write) continue;
      compare(std::span{near_}.subspan(it.place, it.bytes), std::span{exposed_}.subspan(it.place, it.bytes),
              describe(theirs_, seen_) + ", when a later SEND has arrived");
    }
  }

  Settings settings_;
  Connection& connection_;
  Plan ours_;
  Plan theirs_;
  std::vector<std::uint8_t>
      far_;  ///< what the other end's exposed memory holds once all that is posted is done
  std::vector<std::uint8_t> near_;     ///< what ours holds once all that is seen is done
  std::vector<std::uint8_t> exposed_;  ///< what it does hold
  std::vector<std::uint8_t>
      local_;  ///< a slot for each outstanding operation, then the SENDs' receive memory
  QueuePair pair_;
  Contact contact_;
  std::size_t posted_ = 0;
  std::size_t completed_ = 0;
  std::size_t seen_ = 0;  ///< of theirs: before which all is known to be done
};

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"WRITE, SEND, READ and FETCH_ADD on one queue pair, from both ends at once"};
  app.option_defaults()->always_capture_default();
  app.add_option("server", settings.server, "the server's IPv4 address; none: be the server");
  app.add_option("-p,--port", settings.port, "TCP port");
  app.add_option("-n,--operations", settings.operations, "of each end")->check(CLI::Range(1, 10'000));
  app.add_option("-s,--size", settings.largest, "the largest, bytes")->check(CLI::Range(1, 1 << 20));
  app.add_option("-w,--window", settings.window, "operations outstanding")->check(CLI::Range(1, 128));
  app.add_option("-o,--reads", settings.reads, "READs and FETCH_ADDs outstanding")->check(CLI::Range(1, 16));
  app.add_option("-x,--gid-index", settings.gid_index, "")->check(CLI::Range(0, 255));
  app.add_option("-u,--timeout", settings.timeout, "4.096 us x 2^TIMEOUT")->check(CLI::Range(0, 31));
  app.add_option("--seed", settings.seed, "of the operations");
  CLI11_PARSE(app, argc, argv);
  // The ends' plans differ: the client's seed is even, the server's odd.
  settings.seed = settings.seed * 2 + (settings.server.empty() ? 1 : 0);
  try {
    Connection connection{settings};
    End end{settings, connection};
    const auto started = std::chrono::steady_clock::now();
    end.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    end.report(std::cout);
    std::cout << "mixed-verbs: all right, in " << took.count() << " s\n";
  } catch (const std::exception& error) {
    std::cerr << "mixed-verbs: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
