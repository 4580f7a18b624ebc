#include "dataplane/xdp/umem_pool.hpp"

#include <cerrno>
#include <cstring>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memzone.h>

namespace braidway::dataplane::xdp {
namespace {

constexpr std::size_t object_header_bytes = 64;
static_assert(sizeof(rte_mempool_objhdr) <= object_header_bytes);
static_assert(sizeof(rte_mbuf) == 128 && RTE_PKTMBUF_HEADROOM == 128);

std::string error_text(int error) { return rte_strerror(error); }

void free_zone(rte_mempool_memhdr* /*chunk*/, void* zone) {
  rte_memzone_free(static_cast<rte_memzone*>(zone));
}

std::string check_layout(const rte_mempool& pool, const rte_memzone& zone, std::uint32_t mbufs) {
  if (pool.header_size != object_header_bytes ||
      pool.header_size + pool.elt_size + pool.trailer_size != umem_object_bytes)
    return "this DPDK puts " + std::to_string(pool.header_size) + " bytes before and " +
           std::to_string(pool.trailer_size) + " after an object, where AF_XDP needs objects of one page";
  if (pool.populated_size != mbufs || STAILQ_FIRST(&pool.mem_list)->addr != zone.addr)
    return "only " + std::to_string(pool.populated_size) + " of " + std::to_string(mbufs) +
           " buffers lie without a gap";
  return {};
}

}  // namespace

tl::expected<rte_mempool*, std::string> create_umem_pool(const std::string& name, std::uint32_t mbufs,
                                                         std::uint32_t cache, std::uint16_t private_bytes,
                                                         int socket) {
  const auto failed = [&](const std::string& why) {
    return tl::unexpected("cannot make a pool of " + std::to_string(mbufs) + " AF_XDP packet buffers (" +
                          std::to_string(mbufs * umem_object_bytes >> 20U) + " MiB): " + why);
  };
  // NO_SPREAD: no padding against memory channels, which would make objects longer than a page.
  rte_mempool* pool =
      rte_mempool_create_empty(name.c_str(), mbufs, umem_object_bytes - object_header_bytes, cache,
                               sizeof(rte_pktmbuf_pool_private), socket, RTE_MEMPOOL_F_NO_SPREAD);
  if (pool == nullptr) return failed(error_text(rte_errno));
  const auto give_up = [&](const std::string& why) {
    rte_mempool_free(pool);
    return failed(why);
  };
  if (const int status = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr); status < 0)
    return give_up(error_text(-status));
  rte_pktmbuf_pool_private settings{};
  settings.mbuf_data_room_size =
      static_cast<std::uint16_t>(umem_object_bytes - object_header_bytes - sizeof(rte_mbuf) - private_bytes);
  settings.mbuf_priv_size = private_bytes;
  rte_pktmbuf_pool_init(pool, &settings);

  const std::size_t bytes = mbufs * umem_object_bytes;
  const rte_memzone* zone =
      rte_memzone_reserve_aligned(name.c_str(), bytes, socket, 0, static_cast<unsigned>(umem_object_bytes));
  if (zone == nullptr)
    return give_up(error_text(rte_errno) + "; raise memory.limit_mib or lower descriptors");
  void* owned =
      const_cast<rte_memzone*>(zone);  // rte_memzone_reserve returns const, rte_memzone_free wants it back
  const int populated = rte_mempool_populate_virt(pool, static_cast<char*>(zone->addr), bytes,
                                                  umem_object_bytes, free_zone, owned);
  if (populated <= 0) {
    rte_memzone_free(zone);
    return give_up(error_text(populated == 0 ? ENOBUFS : -populated));
  }
  if (const std::string wrong = check_layout(*pool, *zone, mbufs); !wrong.empty()) return give_up(wrong);
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

}  // namespace braidway::dataplane::xdp
