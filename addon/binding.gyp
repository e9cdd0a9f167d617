{
  "targets": [
    {
      "target_name": "mp",
      "sources": ["<!@(ls *.cc heap/*.cc)"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")", "<(module_root_dir)/../build/bpf"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-fno-rtti"],
      "cflags_cc": ["-std=c++20"],
      "libraries": ["-lbpf", "-ldw", "-lelf", "-lz"]
    }
  ]
}
