/* A shared object that is no driver. */
extern const int vmreclaim_nothing;
__attribute__((visibility("default"))) const int vmreclaim_nothing = 1;
