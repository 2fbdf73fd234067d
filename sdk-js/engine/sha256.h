/* The inner loop of SHA-256 (FIPS 180-4). An interpreter takes 0.3 ms for a block of it, which no upload could wait for; what
 * is around it, padding and pieces, is JavaScript (../runtime/digest.js). */

enum { SHA256_BLOCK = 64 };

static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t sha256_rotated(uint32_t word, int by) { return word >> by | word << (32 - by); }

static uint32_t sha256_word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Takes one block into the hash value (section 6.2.2). */
static void sha256_block(uint32_t hash[8], const uint8_t *block) {
  uint32_t w[64], v[8];
  for (int t = 0; t < 16; t++) w[t] = sha256_word(block + 4 * t);
  for (int t = 16; t < 64; t++) {
    const uint32_t s0 = sha256_rotated(w[t - 15], 7) ^ sha256_rotated(w[t - 15], 18) ^ w[t - 15] >> 3;
    const uint32_t s1 = sha256_rotated(w[t - 2], 17) ^ sha256_rotated(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  memcpy(v, hash, sizeof v);
  for (int t = 0; t < 64; t++) {
    const uint32_t s1 = sha256_rotated(v[4], 6) ^ sha256_rotated(v[4], 11) ^ sha256_rotated(v[4], 25);
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t s0 = sha256_rotated(v[0], 2) ^ sha256_rotated(v[0], 13) ^ sha256_rotated(v[0], 22);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    const uint32_t one = v[7] + s1 + choice + sha256_constants[t] + w[t], two = s0 + majority;
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + two;
  }
  for (int i = 0; i < 8; i++) hash[i] += v[i];
}

/* Takes whole blocks into a hash value of 32 bytes, whose words have their highest byte first. */
static void sha256_blocks(uint8_t state[32], const uint8_t *blocks, size_t count) {
  uint32_t hash[8];
  for (int i = 0; i < 8; i++) hash[i] = sha256_word(state + 4 * i);
  for (size_t i = 0; i < count; i++) sha256_block(hash, blocks + i * SHA256_BLOCK);
  for (int i = 0; i < 32; i++) state[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
