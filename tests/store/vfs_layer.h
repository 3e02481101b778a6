/*
** The method table of a layer over SQLite's files: what includes this defines a static function for each.
*/
#ifndef PS_TESTS_VFS_LAYER_H
#define PS_TESTS_VFS_LAYER_H

#define LAYER_METHODS                                                                                                            \
    {                                                                                                                            \
        .iVersion = 2, .xClose = xClose, .xRead = xRead, .xWrite = xWrite, .xTruncate = xTruncate, .xSync = xSync,               \
        .xFileSize = xFileSize, .xLock = xLock, .xUnlock = xUnlock, .xCheckReservedLock = xCheckReservedLock,                    \
        .xFileControl = xFileControl, .xSectorSize = xSectorSize, .xDeviceCharacteristics = xDeviceCharacteristics,              \
        .xShmMap = xShmMap, .xShmLock = xShmLock, .xShmBarrier = xShmBarrier, .xShmUnmap = xShmUnmap                             \
    }

#endif
