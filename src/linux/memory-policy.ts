// The modes and flags of set_mempolicy(2), as linux/mempolicy.h numbers them.

export const MEMORY_POLICY_MODES = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;

export const MEMORY_POLICY_FLAGS = {
  MPOL_F_NUMA_BALANCING: 0x2000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_STATIC_NODES: 0x8000,
} as const;

/** Nodes have smaller numbers: CONFIG_NODES_SHIFT is at most 10. */
export const MOST_NODES = 1024;
